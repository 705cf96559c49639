#include "agent/json/pattern.h"

#include <re2/re2.h>

#include <string>
#include <utility>

#include "agent/json/pattern_grammar.h"
#include "sandbox/base/text.h"

namespace rune::json {
namespace {

/// What the compiled form of one pattern may take.
constexpr std::int64_t kMaxProgram = 8 << 20;

}  // namespace

Pattern::Pattern(std::unique_ptr<re2::RE2> expression) : expression_(std::move(expression)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Result<Pattern> Pattern::Compile(std::string_view pattern, Grammar grammar) {
  if (pattern.size() > kMaxPattern) {
    return Error::Invalid("pattern is longer than " + std::to_string(kMaxPattern) + " bytes");
  }
  const std::string shown = "pattern '" + OneLine(pattern, 64) + "'";
  auto rewritten = grammar == Grammar::kEcma ? FromEcma(pattern) : FromPosix(pattern);
  if (!rewritten.ok()) return std::move(rewritten).error().Wrap(shown);
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxProgram);
  options.set_longest_match(grammar == Grammar::kPosix);
  auto expression = std::make_unique<re2::RE2>(*rewritten, options);
  if (!expression->ok()) {
    // Behind the colon stands a part of the rewritten form, which nobody wrote.
    const std::string& error = expression->error();
    return Error::Invalid(OneLine(error.substr(0, error.find(": ")), 100)).Wrap(shown);
  }
  return Pattern(std::move(expression));
}

Result<Pattern> Pattern::Ecma(std::string_view pattern) { return Compile(pattern, Grammar::kEcma); }
Result<Pattern> Pattern::Posix(std::string_view pattern) { return Compile(pattern, Grammar::kPosix); }

bool Pattern::Matches(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *expression_);
}

}  // namespace rune::json
