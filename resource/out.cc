#include "resource/out.h"

#include "agent/json/pattern.h"
#include "agent/json/pointer.h"
#include "agent/json/schema.h"
#include "resource/answer.h"
#include "resource/config_from_source.h"
#include "resource/pre_commands.h"
#include "resource/say.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

constexpr std::size_t kPromptLimit = 1u << 20;
constexpr std::size_t kContextReadLimit = 16u << 20;
constexpr std::size_t kPromptShown = 80;

Result<std::string> PromptText(const Params& params, const StepContext& context, const std::string& inputs) {
  if (params.prompt) {
    if (Trim(*params.prompt).empty()) return Error::Invalid("params.prompt is empty");
    return ExpandBuildVariables(*params.prompt, context.environment);
  }
  if (params.prompt_file.empty())
    return Error::Invalid("params.prompt (or params.prompt_file) is required for put step");
  auto text = ReadInput(inputs, params.prompt_file, kPromptLimit);
  if (!text.ok()) return std::move(text).error().Wrap("params.prompt_file");
  if (Trim(*text).empty()) return Error::Invalid("params.prompt_file: '" + OneLine(params.prompt_file) + "' is empty");
  return text;
}

Result<std::string> ContextBlocks(const Params& params, const std::string& inputs) {
  std::string blocks;
  for (std::size_t i = 0; i < params.context.size(); ++i) {
    auto text = ReadInput(inputs, params.context[i], kContextReadLimit);
    if (!text.ok()) return std::move(text).error().Wrap("params.context[" + std::to_string(i) + "]");
    blocks += LabelledBlock("Content of `" + params.context[i] + "`", *text);
  }
  return blocks;
}

Result<bool> FailsByValue(const FailIf& fail_if, const std::string& answer) {
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::ParseAnswer(answer));
  const json::View place = json::Resolve(document.root(), fail_if.pointer);
  if (!place.exists()) return Error::Invalid("params.fail_if: the answer has no " + OneLine(fail_if.pointer, 80));
  return place.DumpCanonical() == fail_if.equals;
}

}  // namespace

Result<bool> Fails(const FailIf& fail_if, const std::string& answer) {
  if (fail_if.matches.empty()) return FailsByValue(fail_if, answer);
  auto pattern = json::Pattern::Posix(fail_if.matches);
  if (!pattern.ok()) return std::move(pattern).error().Wrap("params.fail_if.matches");
  return pattern->Matches(answer);
}

Result<StepResult> Out(const Request& request, const StepContext& context, const std::string& inputs) {
  const Params& params = request.params;
  RUNE_ASSIGN_OR_RETURN(const std::string prompt, PromptText(params, context, inputs));
  RUNE_ASSIGN_OR_RETURN(const std::string blocks, ContextBlocks(params, inputs));
  RUNE_ASSIGN_OR_RETURN(Question question, PutQuestion(request, prompt + blocks, inputs));
  auto images = ReadImages(inputs, params.images, question.config.max_images);
  if (!images.ok()) return std::move(images).error().Wrap("params.images");
  question.images = std::move(*images);
  RUNE_ASSIGN_OR_RETURN(const agent::RunResult run, context.asker.Ask(question));
  if (run.answered()) SayBlock("answer", run.answer);
  RUNE_ASSIGN_OR_RETURN(Answer answer, AnswerOf(run, {.shape = params.shape,
                                                      .canonical = request.source.canonical,
                                                      .on_denial = request.source.config.on_denial,
                                                      .configured_prompt = prompt,
                                                      .keep_prompt = true,
                                                      .now = context.now}));
  if (params.fail_if) {
    RUNE_ASSIGN_OR_RETURN(const bool fails, Fails(*params.fail_if, answer.record.answer));
    if (fails) return Error::Invalid("params.fail_if: the answer is one that fails the step");
  }
  StepResult result;
  RUNE_ASSIGN_OR_RETURN(result.version, VersionOf(answer, request.source,
                                                  params.skip_record ? RecordMode::kNone : request.source.record));
  result.version[kVia] = kViaPut;
  result.metadata = MetadataOf(answer.record, {answer.ref, answer.ref, true, false});
  result.metadata.emplace_back("prompt", OneLine(answer.record.prompt.value_or(prompt), kPromptShown));
  return result;
}

}  // namespace rune::resource
