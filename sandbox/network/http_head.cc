#include "sandbox/network/http_head.h"

#include <utility>

#include "sandbox/address.h"
#include "sandbox/base/characters.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

using std::string_view;

Error Odd(std::string message) { return {ErrorKind::kProtocol, std::move(message)}; }

struct RequestLine {
  string_view method;
  std::optional<string_view> authority;  ///< Of an absolute target.
  bool http_1_0 = false;
};

Result<RequestLine> ReadRequestLine(string_view line) {
  const auto parts = Split(line, ' ');
  if (parts.size() != 3 || parts[0].empty() || parts[1].empty() || !All(parts[0], IsHttpTokenChar) ||
      line.find('\t') != string_view::npos) {
    return Odd("a malformed request line");
  }
  RequestLine out;
  out.method = parts[0];
  const string_view target = parts[1];
  if (parts[2] == "HTTP/2.0") return Odd("HTTP/2, which cannot be checked");
  if (parts[2] != "HTTP/1.1" && parts[2] != "HTTP/1.0") return Odd("an unknown version of HTTP");
  out.http_1_0 = parts[2] == "HTTP/1.0";
  if (ToLower(out.method) == "connect") return Odd("CONNECT");
  if (target.starts_with('/') || (target == "*" && out.method == "OPTIONS")) return out;
  constexpr string_view kScheme = "http://";
  if (ToLower(target.substr(0, kScheme.size())) != kScheme) return Odd("a malformed request target");
  const string_view rest = target.substr(kScheme.size());
  out.authority = rest.substr(0, rest.find_first_of("/?#"));
  return out;
}

/// The fields that decide where a request goes and where it ends.
struct Fields {
  std::optional<string_view> host;
  std::optional<string_view> length;
  std::optional<string_view> encoding;
  std::string upgrade;  ///< All of them, in lower case.
};

Result<Fields> ReadFields(string_view text) {
  Fields out;
  for (string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find("\r\n");
    const string_view line = rest.substr(0, end);
    rest.remove_prefix(line.size() + 2);
    if (line.starts_with(' ') || line.starts_with('\t')) return Odd("a header folded over several lines");
    const auto field = ReadHttpField(line);
    if (!field) return Odd("a malformed header line");
    const auto once = [&](std::optional<string_view>& slot) {
      const bool first = !slot;
      slot = field->value;
      return first;
    };
    if (field->name == "host" && !once(out.host)) return Odd("several Host headers");
    if (field->name == "content-length" && !once(out.length)) return Odd("several Content-Length headers");
    if (field->name == "transfer-encoding" && !once(out.encoding)) return Odd("several Transfer-Encoding headers");
    if (field->name == "http2-settings") return Odd("an upgrade to HTTP/2");
    if (field->name == "upgrade") out.upgrade += "," + ToLower(field->value);
  }
  return out;
}

Result<void> ReadBody(const Fields& fields, const RequestLine& line, HttpHead& out) {
  if (fields.length && fields.encoding) return Odd("both Content-Length and Transfer-Encoding");
  if (fields.encoding) {
    if (line.http_1_0 || ToLower(*fields.encoding) != "chunked") return Odd("an unknown Transfer-Encoding");
    out.chunked = true;
  }
  if (fields.length) {
    const auto length = ParseInt(*fields.length);
    if (!length || *length < 0 || !All(*fields.length, IsDigit)) {
      return Odd("a malformed Content-Length");
    }
    out.length = static_cast<std::uint64_t>(*length);
  }
  return Ok();
}

}  // namespace

bool IsHttpTokenChar(char c) {
  constexpr string_view kMarks = "!#$%&'*+-.^_`|~";
  return IsAlphanumeric(c) || kMarks.find(c) != string_view::npos;
}

std::optional<HttpField> ReadHttpField(string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == string_view::npos || colon == 0) return std::nullopt;
  const string_view name = line.substr(0, colon);
  if (!All(name, IsHttpTokenChar)) return std::nullopt;
  return HttpField{ToLower(name), Trim(line.substr(colon + 1))};
}

Result<HttpHead> ReadHttpHead(string_view head) {
  const std::size_t end = head.find("\r\n");
  if (end == string_view::npos || !head.ends_with("\r\n\r\n")) return Odd("a head without an end");
  RUNE_ASSIGN_OR_RETURN(const RequestLine line, ReadRequestLine(head.substr(0, end)));
  RUNE_ASSIGN_OR_RETURN(const Fields fields, ReadFields(head.substr(end + 2, head.size() - end - 4)));
  if (!fields.host) return Odd("no Host header");
  const auto host = ParseHostPort(*fields.host);
  if (!host.ok()) return Odd("a malformed Host header");
  HttpHead out;
  out.host = host->host;
  out.port = host->port;
  if (line.authority) {
    const auto named = ParseHostPort(*line.authority);
    const auto usual = [](std::uint16_t port) { return port == 0 ? 80 : port; };
    if (!named.ok() || named->host != host->host || usual(named->port) != usual(host->port)) {
      return Odd("a Host header that differs from the request target");
    }
  }
  RUNE_RETURN_IF_ERROR(ReadBody(fields, line, out));
  for (const string_view word : Split(fields.upgrade, ',')) {
    const string_view token = Trim(word);
    if (token.starts_with("h2")) return Odd("an upgrade to HTTP/2");
    if (token == "websocket") out.websocket = line.method == "GET" && !line.http_1_0;
  }
  return out;
}

}  // namespace rune::sandbox
