#!/usr/bin/python3
"""Reads pipelines/*.yml as Concourse would and prints what concerns our resource type, one JSON object per line.

    pipeline_parts.py FILE...     {"file", "place", "kind": "source" | "put" | "get", "source": {...}, "params": {...}}

Keys that Concourse does not know, jobs that name unknown resources and duplicate names end it with a message. Needs PyYAML.
"""

import json
import sys

import yaml

TYPE_KEYS = {"name", "type", "source", "defaults", "privileged", "check_every", "tags", "params"}
RESOURCE_KEYS = {"name", "old_name", "type", "source", "webhook_token", "icon", "version", "check_every", "check_timeout",
                 "expose_build_created_by", "tags", "public"}
JOB_KEYS = {"name", "old_name", "plan", "serial", "serial_groups", "max_in_flight", "build_log_retention", "public",
            "disable_manual_trigger", "interruptible", "on_success", "on_failure", "on_error", "on_abort", "ensure"}
HOOKS = {"on_success", "on_failure", "on_error", "on_abort", "ensure"}
COMMON_KEYS = HOOKS | {"timeout", "attempts", "tags"}
STEP_KEYS = {"get": {"resource", "passed", "params", "version", "trigger"},
             "put": {"resource", "inputs", "params", "get_params", "no_get"},
             "task": {"config", "file", "image", "privileged", "vars", "params", "input_mapping", "output_mapping"},
             "load_var": {"file", "format", "reveal"}}
TASK_KEYS = {"platform", "image_resource", "inputs", "outputs", "caches", "params", "run", "container_limits", "rootfs_uri"}


def known(place, value, keys):
    if not isinstance(value, dict):
        sys.exit(f"{place}: expected a map")
    for key in value.keys() - keys:
        sys.exit(f"{place}: unknown key '{key}'")


def names(place, entries):
    found = [entry["name"] for entry in entries]
    if len(found) != len(set(found)):
        sys.exit(f"{place}: a name twice")
    return set(found)


def steps(place, step):
    """Every step of a plan, hooks included."""
    kinds = step.keys() & STEP_KEYS.keys()
    if len(kinds) != 1:
        sys.exit(f"{place}: expected one of {', '.join(STEP_KEYS)}")
    kind = kinds.pop()
    known(place, step, STEP_KEYS[kind] | COMMON_KEYS | {kind})
    if kind == "task" and "config" in step:
        known(f"{place}.config", step["config"], TASK_KEYS)
    yield place, kind, step
    for hook in HOOKS & step.keys():
        yield from steps(f"{place}.{hook}", step[hook])


def parts(path):
    with open(path, encoding="utf-8") as text:
        pipeline = yaml.safe_load(text)
    known(path, pipeline, {"resource_types", "resources", "jobs", "groups", "var_sources", "display"})
    types = {entry["name"]: entry for entry in pipeline.get("resource_types", [])}
    resources = {entry["name"]: entry for entry in pipeline["resources"]}
    names(path, pipeline["resources"])
    names(path, pipeline["jobs"])
    for name, entry in types.items():
        known(f"{path}: {name}", entry, TYPE_KEYS)
    ours = {}
    for name, entry in resources.items():
        known(f"{path}: {name}", entry, RESOURCE_KEYS)
        if entry["type"] in types:
            ours[name] = {**types[entry["type"]].get("defaults", {}), **entry.get("source", {})}
            yield {"file": path, "place": name, "kind": "source", "source": ours[name], "params": None}
            if "check_every" not in entry:
                sys.exit(f"{path}: {name}: no check_every; before Concourse 8.2 that is a question a minute")
    for job in pipeline["jobs"]:
        known(f"{path}: {job['name']}", job, JOB_KEYS)
        roots = job["plan"] + [job[hook] for hook in HOOKS & job.keys()]
        for index, root in enumerate(roots):
            for place, kind, step in steps(f"{path}: {job['name']}[{index}]", root):
                resource = step.get("resource", step.get(kind)) if kind in ("get", "put") else None
                if kind in ("get", "put") and resource not in resources:
                    sys.exit(f"{place}: no resource '{resource}'")
                if resource in ours:
                    yield {"file": path, "place": place, "kind": kind, "source": ours[resource], "params": step.get("params")}
                    if "get_params" in step:
                        yield {"file": path, "place": place, "kind": "get", "source": ours[resource],
                               "params": step["get_params"]}


for file in sys.argv[1:]:
    for part in parts(file):
        print(json.dumps(part))
