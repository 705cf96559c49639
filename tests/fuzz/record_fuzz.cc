/// The record of an answer. Read as it is, no text is taken for a record that was not made by us; made into a record,
/// the text comes back whole, and any change of the record is noticed.

#include "agent/record/record.h"
#include "agent/record/ref.h"
#include "sandbox/base/text.h"
#include "tests/fuzz/fuzz.h"

using rune::fuzz::Expect;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = rune::fuzz::AsText(data, size);
  const std::string foreign = "sha256:" + std::string(64, 'a');
  const auto stranger = rune::agent::DecodeRecord(text, foreign, "key of the source");
  Expect(!stranger.ok() || !stranger->has_value(), "no text hashes to a ref that was made up");

  if (size == 0 || size > 4096) return 0;
  rune::agent::Record record;
  record.answer = rune::ScrubUtf8(text.substr(1));
  record.prompt_digest = rune::agent::PromptDigest("prompt");
  const std::string secret = (data[0] & 1) != 0 ? "key of the source" : "";
  const auto ref = rune::agent::RefOf(record.answer, record.form);
  Expect(ref.ok(), "text has a ref");
  auto packed = rune::agent::EncodeRecord(record, *ref, secret);
  Expect(packed.ok(), "a small record is packed");
  const auto read = rune::agent::DecodeRecord(*packed, *ref, secret);
  Expect(read.ok() && read->has_value() && (*read)->answer == record.answer, "a record comes back whole");

  const std::size_t at = static_cast<std::size_t>(data[0]) % packed->size();
  (*packed)[at] = (*packed)[at] == 'x' ? 'y' : 'x';
  const auto altered = rune::agent::DecodeRecord(*packed, *ref, secret);
  Expect(!altered.ok() || !altered->has_value() ||
             rune::agent::RefOf((*altered)->answer, (*altered)->form).value() == *ref,
         "an altered record is never another answer");
  return 0;
}
