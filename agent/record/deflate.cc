#include "agent/record/deflate.h"

#include <zlib.h>

namespace rune::agent {
namespace {

constexpr int kRawWindowBits = -15;  // zlib.h: negative means no header and no checksum
constexpr int kMemoryLevel = 9;

/// zlib.h takes a non-const pointer and does not write to it.
Bytef* InputOf(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

}  // namespace

Result<std::string> Deflate(std::string_view plain) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kRawWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    return Error{ErrorKind::kSystem, "zlib: no memory"};
  }
  std::string out(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = InputOf(plain);
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) return Error{ErrorKind::kSystem, "zlib: deflate failed"};
  return out;
}

Result<std::string> Inflate(std::string_view packed, std::size_t max_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, kRawWindowBits) != Z_OK) return Error{ErrorKind::kSystem, "zlib: no memory"};
  std::string out;
  std::string chunk(16u << 10, '\0');
  stream.next_in = InputOf(packed);
  stream.avail_in = static_cast<uInt>(packed.size());
  int status = Z_OK;
  while (status == Z_OK && out.size() <= max_bytes) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk, 0, chunk.size() - stream.avail_out);
  }
  const bool whole = status == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (out.size() > max_bytes) return Error{ErrorKind::kProtocol, "the record is larger than any record may be"};
  if (!whole) return Error{ErrorKind::kProtocol, "the record is damaged"};
  return out;
}

}  // namespace rune::agent
