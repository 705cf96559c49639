#pragma once
/// What came out of a confined command, made into text for a model: safe, within kToolTextLimit, and saying what is
/// missing.

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/tools/tool.h"
#include "sandbox/report.h"

namespace rune::agent {

/// Bytes of the streams themselves; the rest of kToolTextLimit is for remarks.
inline constexpr std::size_t kStreamBudget = kToolTextLimit - 512;

/// Head and tail of a stream in `budget` bytes, with "[... N bytes omitted; all of it is in FILE]" between them.
std::string ShowStream(const sandbox::Stream& stream, std::size_t budget);
/// The beginning of a text in kStreamBudget bytes, cut after a line; `advice` says how to get the rest.
std::string ShowHead(const sandbox::Stream& stream, std::string_view advice);

/// The result of a file operation: its output, or its line of error.
ToolOutput RenderOperation(const sandbox::Completed& done, std::string_view advice);

}  // namespace rune::agent
