// Presets: their values are the published ones, and the scenario's own keys override them.
#include "engine/presets.h"

#include <gtest/gtest.h>

#include "engine/conditions.h"
#include "engine/field_text.h"
#include "engine/loader.h"
#include "kernel/error.h"

namespace heddle {
namespace {

Scenario only(const std::string& text) { return load_text(text, "test.yaml").at(0); }

std::string error_of(const std::string& text) {
  try {
    only(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

#define EXPECT_CONTAINS(text, part) \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << "in: " << (text)

TEST(Presets, EveryValueHasItsKeyAndSource) {
  Scenario scenario;
  const Section root = describe(scenario);
  for (const Preset& preset : presets()) {
    const Section* section = find_key(root.sections, preset.section);
    ASSERT_NE(section, nullptr) << preset.name;
    for (const PresetValue& value : preset.values) {
      const Field* field = find_field(*section, value.key);
      ASSERT_NE(field, nullptr) << preset.name << " " << value.key;
      EXPECT_NO_THROW(set_value(*field, value.value)) << preset.name << " " << value.key;
      EXPECT_NE(value.source, "") << preset.name << " " << value.key;
    }
  }
}

TEST(Presets, EveryWordOfTheKeyIsOne) {
  Scenario scenario;
  const Section root = describe(scenario);
  std::size_t words = 0;
  for (const char* section : {"adaptive", "scheduled", "fabric"}) {
    const Field* field = find_field(root, std::string(section) + ".preset");
    ASSERT_NE(field, nullptr);
    for (const std::string& name : std::get<ChoiceTarget>(field->target).names) {
      if (name == "none") continue;
      ++words;
      ASSERT_NE(find_preset(name), nullptr) << name;
      EXPECT_EQ(find_preset(name)->section, section);
    }
  }
  EXPECT_EQ(words, presets().size());
}

// The published figures: sonic-buildimage; facebook/fboss; OpenBCM SDK 6.5.27.
TEST(Presets, SetWhatIsPublished) {
  const SharedBufferConfig sn4700 =
      only("switch: adaptive\nadaptive: {preset: sn4700}\n").adaptive.memory;
  EXPECT_EQ(sn4700.buffer, 60'817'392_B);
  EXPECT_EQ(sn4700.cell, 144_B);
  const SharedBufferConfig sn5600 =
      only("switch: adaptive\nadaptive: {preset: sn5600}\n").adaptive.memory;
  EXPECT_EQ(sn5600.buffer, 158'229'504_B);
  EXPECT_EQ(sn5600.cell, 192_B);
  const ScheduledConfig jericho2 = only("scheduled: {preset: jericho2c_plus}\n").scheduled;
  EXPECT_EQ(jericho2.buffer, 64_MiB);
  EXPECT_EQ(jericho2.buffer_cell, 256_B);
  EXPECT_EQ(jericho2.credit, 4096_B);
  const ScheduledConfig jericho3 = only("scheduled: {preset: jericho3_ai}\n").scheduled;
  EXPECT_EQ(jericho3.buffer, 128_MiB);
  EXPECT_EQ(jericho3.buffer_cell, 254_B);
}

/// AWS Neuron documentation: 1,024 GB/s per chip over the four links of the 4 x 4 torus, 256 GB/s
/// over the two between servers.
TEST(Presets, ATorusHasTheVendorsRatesInOneReadingOrTheOther) {
  const FabricConfig server =
      only("switch: torus\nworkload: {pattern: uniform}\nfabric: {preset: trainium2_server}\n")
          .fabric;
  EXPECT_EQ(server.host_count(), 16U);
  EXPECT_EQ(4 * server.ring_link(0).rate.bits_per_second / 8, 1'024'000'000'000U);
  const FabricConfig ultra = only(
                                 "switch: torus\nworkload: {pattern: uniform}\n"
                                 "fabric: {preset: trainium2_ultraserver, link_rates: both_ways}\n")
                                 .fabric;
  EXPECT_EQ(ultra.host_count(), 64U);
  EXPECT_EQ(4 * ultra.ring_link(1).rate.bits_per_second / 8, 512'000'000'000U)
      << "half in each direction";
  EXPECT_EQ(2 * ultra.ring_link(2).rate.bits_per_second / 8, 128'000'000'000U);
}

TEST(Presets, TheScenariosOwnKeysOverride) {
  for (const char* text : {"adaptive: {preset: sn5600, memory: {cell: 96 B}}\nswitch: adaptive\n",
                           "switch: adaptive\nadaptive: {memory: {cell: 96 B}, preset: sn5600}\n",
                           "adaptive: {memory: {cell: 96 B}}\nvariants:\n"
                           "  a: {switch: adaptive, adaptive: {preset: sn5600}}\n",
                           "adaptive: {preset: sn5600}\nvariants:\n"
                           "  a: {switch: adaptive, adaptive: {memory: {cell: 96 B}}}\n"}) {
    const SharedBufferConfig memory = only(text).adaptive.memory;
    EXPECT_EQ(memory.cell, 96_B) << text;
    EXPECT_EQ(memory.buffer, 158'229'504_B) << text;
  }
  const Scenario back =
      only("scheduled: {preset: jericho3_ai}\nvariants:\n  a: {scheduled: {preset: none}}\n");
  EXPECT_EQ(back.scheduled.buffer, ScheduledConfig{}.buffer);
  EXPECT_EQ(parameters_of(back).at("scheduled").at("preset"), "none");
}

TEST(Presets, EachSwitchKindHasItsOwn) {
  EXPECT_CONTAINS(error_of("switch: scheduled\nadaptive: {preset: sn4700}\n"),
                  "applies only when switch is adaptive; here it is scheduled");
  EXPECT_CONTAINS(error_of("switch: adaptive\nadaptive: {preset: jericho3_ai}\n"),
                  "adaptive.preset: 'jericho3_ai' is not a valid choice");
  EXPECT_CONTAINS(error_of("scheduled: {preset: sn5600}\n"), "is not a valid choice");
  EXPECT_CONTAINS(error_of("preset: sn4700\n"), "'scheduled.preset' or 'adaptive.preset'?");
  const std::vector<Scenario> both = load_text(
      "adaptive: {preset: sn5600}\nscheduled: {preset: jericho3_ai}\nvariants:\n"
      "  a: {switch: adaptive}\n  s: {switch: scheduled}\n",
      "test.yaml");
  EXPECT_EQ(both[0].adaptive.memory.cell, 192_B);
  EXPECT_EQ(both[1].scheduled.buffer_cell, 254_B);
}

}  // namespace
}  // namespace heddle
