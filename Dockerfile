# Rune as an image: a Concourse resource type and the CLI. Stages: build -> probes, resource -> tests -> final (the resource stage).
# Build with ci/image, or: docker build --build-arg REVISION=$(git rev-parse HEAD) -t rune .
ARG BASE=debian:bookworm-slim

# ---- build: everything that compiles -------------------------------------------------------------------------------
FROM ${BASE} AS build
COPY ci/packages.txt ci/install /src/ci/
RUN /src/ci/install build
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY sandbox sandbox
COPY agent agent
COPY resource resource
RUN cmake --preset release && cmake --build build/release && strip build/release/bin/rune build/release/bin/rune-resource build/release/bin/rune-sandbox
# What the tests bring along: the attempts at getting out, one static program.
COPY tests/escape tests/escape
RUN cc -D_GNU_SOURCE -std=gnu17 -O1 -static -pthread -o escape_attempt tests/escape/main.c tests/escape/sockets.c tests/escape/attempts_*.c \
 && cc -D_GNU_SOURCE -std=gnu17 -O1 -static -pthread -o escape_hostile tests/escape/hostile.c

# ---- probes: what the suites drive besides the shipped programs -------------------------------------------------------
FROM build AS probes
RUN /src/ci/install test
COPY tests tests
RUN cmake --preset release -DRUNE_TESTS=ON && cmake --build build/release --target soak_client codec_probe

# ---- resource: what is shipped -------------------------------------------------------------------------------------
FROM ${BASE} AS resource
COPY ci/packages.txt ci/install /tmp/ci/
RUN /tmp/ci/install run \
 && rm -rf /tmp/ci /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /usr/share/doc/* /usr/share/man/* \
 && useradd --uid 1000 --create-home --shell /bin/sh rune \
 && chmod 0755 /home/rune && install -d -o rune -g rune -m 0700 /home/rune/.rune \
 && mkdir -p /opt/resource /usr/libexec/rune \
 && ln -s rune-resource /opt/resource/check && ln -s rune-resource /opt/resource/in && ln -s rune-resource /opt/resource/out \
 && ln -s /usr/libexec/rune/rune-sandbox /usr/bin/rune-sandbox \
 && ln -s /usr/libexec/rune/rune-sandbox /usr/bin/rune-seccomp \
 && ln -s /usr/libexec/rune/rune-sandbox /usr/bin/rune-landlock \
 && ln -s /usr/libexec/rune/rune-sandbox /usr/bin/rune-net-guard
COPY --from=build /src/build/release/bin/rune-resource /opt/resource/
COPY --from=build /src/build/release/bin/rune-sandbox /usr/libexec/rune/
COPY --from=build /src/build/release/bin/rune /usr/bin/
COPY ci/image-entrypoint /usr/libexec/rune/image-entrypoint
WORKDIR /home/rune
# Concourse runs /opt/resource/* and tasks directly, as root; only `docker run` passes here.
ENTRYPOINT ["/usr/libexec/rune/image-entrypoint"]

# ---- tests: the shipped files, unchanged, with the suites beside them -----------------------------------------------
FROM resource AS tests
COPY ci/packages.txt ci/install /src/ci/
RUN /src/ci/install test
COPY ci /src/ci
COPY tests /src/tests
COPY --from=build /src/escape_attempt /src/escape_hostile /src/
COPY --from=probes /src/build/release/bin/soak_client /src/build/release/bin/codec_probe /usr/bin/
COPY pipelines /src/pipelines
ENTRYPOINT []
ENV RUNE_BIN_DIR=/usr/bin RESOURCE_DIR=/opt/resource LC_ALL=C.UTF-8
WORKDIR /src

# ---- final ---------------------------------------------------------------------------------------------------------
FROM resource
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="rune" \
      org.opencontainers.image.description="Zero-trust AI agent: a Concourse resource type and a CLI" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
