#include "sandbox/network/denial_notes.h"

#include <gtest/gtest.h>

#include <set>

namespace rune::sandbox {
namespace {

Denial Looked(const std::string& name) {
  return {.by = DeniedBy::kNames, .what = DeniedAct::kLookup, .target = name, .remedy = DomainRemedy(name, 0)};
}

TEST(DenialNotesTest, CountsTheSameRefusalInsteadOfRepeatingIt) {
  DenialNotes notes;
  notes.Add(Looked("a.test"));
  notes.Add(Looked("b.test"));
  notes.Add(Looked("a.test"));
  notes.Add({.by = DeniedBy::kNetwork, .what = DeniedAct::kConnect, .target = "a.test"});
  const std::vector<Denial> all = notes.All();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].target, "a.test");
  EXPECT_EQ(all[0].count, 2u);
  EXPECT_EQ(all[0].remedy, (Remedy{Grant::kDomain, {"a.test"}}));
  EXPECT_TRUE(notes.Has(DeniedBy::kNetwork, DeniedAct::kConnect, "a.test"));
  EXPECT_FALSE(notes.Has(DeniedBy::kNetwork, DeniedAct::kSend, "a.test"));
}

TEST(DenialNotesTest, ManyRefusalsShareOneEntryThatHasNoRemedy) {
  DenialNotes notes;
  for (int i = 0; i < 300; ++i) notes.Add(Looked("n" + std::to_string(i) + ".test"));
  const std::vector<Denial> all = notes.All();
  ASSERT_EQ(all.size(), 257u);
  EXPECT_EQ(all.back().target, "(others)");
  EXPECT_EQ(all.back().count, 44u);
  EXPECT_EQ(all.back().remedy, Remedy());
}

TEST(DenialNotesTest, ATargetIsMadeSafe) {
  DenialNotes notes;
  notes.Add(Looked("a\x1b[31m\n.test"));
  EXPECT_EQ(notes.All()[0].target.find_first_of("\x1b\n"), std::string::npos);
}

TEST(DenialTest, EveryLayerAndActHasANameOfItsOwn) {
  std::set<std::string_view> acts;
  std::set<std::string_view> layers;
  for (int number = 0; number < 256; ++number) {
    const std::string_view act = DeniedActName(static_cast<DeniedAct>(number));
    const std::string_view by = DeniedByName(static_cast<DeniedBy>(number));
    EXPECT_TRUE(act.empty() || acts.insert(act).second) << act;
    EXPECT_TRUE(by.empty() || layers.insert(by).second) << by;
  }
  EXPECT_TRUE(acts.contains("exec") && acts.contains("syscall"));
  EXPECT_TRUE(layers.contains("network") && layers.contains("policy"));
}

TEST(DenialTest, ARemedyThatCannotBeWrittenDownIsNone) {
  EXPECT_EQ(RemedyOf(Grant::kRead, "/srv/x"), (Remedy{Grant::kRead, {"/srv/x"}}));
  for (const std::string& entry :
       {std::string(), std::string("/srv/a\nb"), std::string("/srv/\xff"), "/srv/" + std::string(5000, 'x')}) {
    EXPECT_EQ(RemedyOf(Grant::kRead, entry), Remedy()) << entry;
  }
}

}  // namespace
}  // namespace rune::sandbox
