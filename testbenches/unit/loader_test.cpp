// Scenario files: what is read, and that everything else is one clear sentence.
#include "engine/loader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "engine/conditions.h"
#include "engine/field_text.h"
#include "kernel/error.h"

namespace heddle {
namespace {

const char* const three_variants = R"(name: incast-16
seed: 7
workload: {pattern: incast, senders: 16, message: 1 MiB}
fabric:
  leaves: 4
  hosts_per_leaf: 8
  host_link: {rate: 106.25 Gbps, latency: 50 ns}
nic: {window: 2 MiB}
variants:
  scheduled: {switch: scheduled, nic: {mtu: 1 KiB}}
  adaptive: {switch: adaptive, routing: adaptive, nic: {receive: out_of_order_placement}}
  lossy: {switch: adaptive, nic: {receive: unreliable_datagram}}
)";

std::vector<Scenario> load_with(const std::string& text, std::vector<std::string> sets = {},
                                std::vector<std::string> variants = {}) {
  return load_text(text, "test.yaml", {std::move(sets), "", std::move(variants)});
}

std::string error_of(const std::string& text, std::vector<std::string> sets = {},
                     std::vector<std::string> variants = {}) {
  try {
    load_with(text, std::move(sets), std::move(variants));
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

#define EXPECT_CONTAINS(text, part) \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << "in: " << (text)

TEST(Loader, LaysVariantsOverTheCommonPart) {
  const std::vector<Scenario> all = load_with(three_variants);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].variant, "scheduled");
  EXPECT_EQ(all[1].variant, "adaptive");
  EXPECT_EQ(all[2].variant, "lossy");
  for (const Scenario& scenario : all) {
    EXPECT_EQ(scenario.name, "incast-16");
    EXPECT_EQ(scenario.seed, 7U);
    EXPECT_EQ(scenario.workload.front().senders, 16U);
    EXPECT_EQ(scenario.fabric.host_link.rate, Rate{106'250'000'000});
    EXPECT_EQ(scenario.fabric.host_count(), 32U);
  }
  EXPECT_EQ(all[0].nic.mtu, 1_KiB);
  EXPECT_EQ(all[1].nic.mtu, 4_KiB);
  EXPECT_EQ(all[1].nic.receive, ReceiveMode::out_of_order_placement);
}

TEST(Loader, ACommonKeyKeepsItsDefaultWhereItDoesNotApply) {
  const std::vector<Scenario> all = load_with(three_variants);
  EXPECT_EQ(all[0].nic.window, 2_MiB);
  EXPECT_EQ(all[2].nic.window, NicConfig{}.window) << "unreliable_datagram has no window";
}

// The common workload is read once, by the first variant without one of its own.
TEST(Loader, VariantsShareTheCommonWorkload) {
  const std::string idle =
      "workload: [{pattern: incast, senders: 4}, {message: 2 KiB, shift: 3}]\n"
      "variants:\n"
      "  own: {workload: [{permutation: shift, shift: 2}]}\n"
      "  first: {seed: 2}\n"
      "  second: {seed: 3, nic: {mtu: 1 KiB}}\n";
  EXPECT_EQ(error_of(idle),
            "test.yaml:1:60: workload.1.shift: applies only when permutation is shift; here it is "
            "random");
  std::string legal = idle;
  legal.erase(legal.find(", shift: 3"), 10);
  EXPECT_CONTAINS(error_of(legal + "  small: {fabric: {topology: single, hosts: 4}}\n"),
                  "test.yaml:1:30: variant 'small': workload.0.senders: ");
  const std::vector<Scenario> variants = load_with(legal);
  EXPECT_EQ(variants[0].workload.size(), 1U);
  for (const std::size_t v : {1U, 2U}) {
    ASSERT_EQ(variants[v].workload.size(), 2U);
    EXPECT_EQ(variants[v].workload[0].senders, 4U);
    EXPECT_EQ(variants[v].workload[1].message, 2_KiB);
    EXPECT_EQ(variants[v].seed, v + 1);
  }
  EXPECT_EQ(variants[2].nic.mtu, 1_KiB);
  const auto set = load_with(legal, {"workload.0.senders=5"}, {"second"});
  ASSERT_EQ(set.size(), 1U);
  EXPECT_EQ(set[0].workload[0].senders, 5U);
  EXPECT_CONTAINS(error_of(legal, {"workload.0.senders=5"}, {"own"}), "changes nothing");
}

TEST(Loader, AFileWithoutVariantsIsOneScenario) {
  const std::vector<Scenario> all = load_with("switch: adaptive\n");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].variant, "");
  EXPECT_EQ(label_of(all[0]), "adaptive");
  EXPECT_EQ(all[0].name, "test") << "the name of the file";
}

TEST(Loader, AKeyWithoutAValueKeepsTheCommonPart) {
  const std::vector<Scenario> all = load_with(
      "nic: {window: 2 MiB}\nworkload: [{pattern: incast}, {pattern: all_to_all}]\n"
      "variants:\n  a:\n  b: {nic: , workload: }\n  c: {nic: {}}\n");
  for (const Scenario& scenario : all) {
    EXPECT_EQ(scenario.nic.window, 2_MiB) << scenario.variant;
    EXPECT_EQ(scenario.workload.size(), 2U) << scenario.variant;
  }
  EXPECT_CONTAINS(error_of("seed: 3\nvariants: {a: {seed: }}"), "has no value");
  EXPECT_EQ(error_of("nic: {mtu: 1 KiB}", {"nic="}), "--set nic=: has no value");
}

TEST(Loader, ListsMayBeSingleGroups) {
  const auto two = load_with("workload: [{pattern: uniform, load: 0.25}, {pattern: all_to_all}]");
  ASSERT_EQ(two[0].workload.size(), 2U);
  EXPECT_EQ(two[0].workload[0].load, 0.25);
  EXPECT_EQ(two[0].workload[1].pattern, Pattern::all_to_all);
  const auto classes = load_with("classes: [{weight: 3}, {weight: 1}, {scheduling: strict}]");
  ASSERT_EQ(classes[0].classes.size(), 3U);
  EXPECT_EQ(classes[0].classes[0].weight, 3U);
}

TEST(Loader, SetsAreLaidOverTheFileBeforeItsVariants) {
  const auto all = load_with(three_variants, {"nic.mtu=2 KiB", "variants.lossy.nic.mtu=256 B",
                                              "workload.0.senders=3", "workload.receivers=2"});
  EXPECT_EQ(all[0].nic.mtu, 1_KiB) << "the variant's own value";
  EXPECT_EQ(all[1].nic.mtu, 2_KiB);
  EXPECT_EQ(all[2].nic.mtu, 256_B);
  EXPECT_EQ(all[0].workload[0].senders, 3U);
  EXPECT_EQ(all[0].workload[0].receivers, 2U);
  const auto list = load_with("workload: [{pattern: uniform}, {pattern: bursty}]",
                              {"workload.1.load=0.75", "workload.1.load=0.875"});
  EXPECT_EQ(list[0].workload[0].load, 0.5);
  EXPECT_EQ(list[0].workload[1].load, 0.875) << "the last one counts";
}

TEST(Loader, RejectsSetsThatLeadNowhere) {
  EXPECT_CONTAINS(error_of(three_variants, {"nic.recieve=x"}), "did you mean 'receive'?");
  EXPECT_CONTAINS(error_of(three_variants, {"nic"}), "expected KEY=VALUE");
  EXPECT_CONTAINS(error_of(three_variants, {"=1"}), "expected KEY=VALUE");
  EXPECT_CONTAINS(error_of(three_variants, {"nic..mtu=1 KiB"}), "a key is missing");
  EXPECT_CONTAINS(error_of(three_variants, {"seed.x=1"}), "'seed' has a plain value at");
  EXPECT_CONTAINS(error_of(three_variants, {"nic.0.mtu=1 KiB"}), "unknown key");
  EXPECT_CONTAINS(error_of(three_variants, {"variants.adaptve.nic.mtu=1 KiB"}),
                  "no such variant; did you mean 'adaptive'?");
  EXPECT_CONTAINS(error_of("workload: [{}, {}]", {"workload.2.start=1 ns"}), "has no element 2");
  EXPECT_CONTAINS(error_of("workload: [{}, {}]", {"workload.start=1 ns"}), "say which one");
  EXPECT_CONTAINS(error_of(three_variants, {"switch=adaptive"}), "changes nothing") << "overridden";
  EXPECT_CONTAINS(error_of(three_variants, {"routing=ecmp"}, {"scheduled"}), "changes nothing");
}

TEST(Loader, ErrorsNamePlaceKeyAndNearestName) {
  EXPECT_EQ(error_of("nic:\n  recieve: go_back_n\n"),
            "test.yaml:2:3: nic.recieve: unknown key; did you mean 'receive'?");
  EXPECT_EQ(error_of("receive: go_back_n\n"),
            "test.yaml:1:1: receive: unknown key here; did you mean 'nic.receive'?");
  EXPECT_EQ(error_of("varaints: {a: {}}\n"),
            "test.yaml:1:1: varaints: unknown key; did you mean 'variants'?");
  EXPECT_EQ(error_of("switch: adpative\n"),
            "test.yaml:1:1: switch: 'adpative' is not a valid choice; did you mean 'adaptive'?");
  EXPECT_EQ(error_of("a: 1\nxyzzy: 2\n").substr(0, 29), "test.yaml:1:1: a: unknown key");
  EXPECT_EQ(error_of("nic: {mtu: 4 KiB,\n      mtu: 8 KiB}"),
            "test.yaml:2:7: key 'mtu' is given twice; first at test.yaml:1:7");
  EXPECT_EQ(error_of("variants: {a: {}, a: {}}"),
            "test.yaml:1:19: key 'a' is given twice; first at test.yaml:1:12");
}

TEST(Loader, ErrorsShowTypesAndRanges) {
  EXPECT_EQ(error_of("nic: {mtu: 1 B}"),
            "test.yaml:1:7: nic.mtu: '1 B' is out of range; valid is 64 B to 9 KB");
  EXPECT_EQ(error_of("nic: {mtu: -4 KiB}"), "test.yaml:1:7: nic.mtu: '-4 KiB' is negative");
  EXPECT_CONTAINS(error_of("workload: {message: 5000 GB}"), "valid is 1 B to 1000 GB");
  EXPECT_CONTAINS(error_of("nic: {mtu: 4 us}"), "unknown unit 'us'; valid units are B, KB");
  EXPECT_CONTAINS(error_of("seed: -1"), "valid is 0 to 9007199254740991");
  EXPECT_CONTAINS(error_of("seed: 1.5"), "expected a whole number, got '1.5'");
  EXPECT_CONTAINS(error_of("seed: 99999999999999999999"), "too large");
  EXPECT_CONTAINS(error_of("seed:"), "has no value");
  EXPECT_CONTAINS(error_of("seed: [1]"), "expected a single value");
  EXPECT_CONTAINS(error_of("nic: 4"), "expected keys with values");
  EXPECT_CONTAINS(error_of("workload: {pattern: uniform, load: nan}"), "out of range");
  EXPECT_CONTAINS(error_of("workload: {pattern: uniform, load: 1.01}"), "valid is 0.0001 to 1");
  EXPECT_CONTAINS(error_of("workload: {pattern: uniform, load: much}"), "expected a number");
  EXPECT_CONTAINS(error_of("workload: []"), "or a list of such");
  EXPECT_CONTAINS(error_of("adaptive: {trimming: yes}\nswitch: adaptive"), "true or false");
  EXPECT_CONTAINS(error_of("fabric: {hosts: auto, topology: single}"), "whole number");
}

TEST(Loader, AutoClearsAnOptional) {
  const auto all = load_with(
      "scheduled: {headroom: 1 MiB}\nvariants:\n  a: {}\n"
      "  b: {scheduled: {headroom: auto}}\n");
  EXPECT_EQ(all[0].scheduled.headroom, 1_MiB);
  EXPECT_FALSE(all[1].scheduled.headroom.has_value());
}

TEST(Loader, AKeyThatDoesNotApplyIsAnError) {
  EXPECT_EQ(error_of("switch: scheduled\nrouting: ecmp\n"),
            "test.yaml:2:1: routing: applies only when switch is adaptive; here it is scheduled");
  EXPECT_CONTAINS(
      error_of("variants: {a: {switch: scheduled, routing: ecmp}, b: {switch: adaptive}}"),
      "variants.a.routing: applies only when switch is adaptive");
  EXPECT_EQ(error_of("routing: ecmp\nvariants: {a: {}, b: {switch: adaptive}}"), "no error");
  EXPECT_CONTAINS(error_of("nic: {dcqcn: {gain: 0.5}}"),
                  "nic.dcqcn: applies only when congestion_control is dcqcn; here it is none");
  EXPECT_CONTAINS(error_of("nic: {receive: unreliable_datagram, congestion_control: dcqcn, "
                           "dcqcn: {gain: 0.5}}"),
                  "nic.congestion_control: applies only when receive is go_back_n");
  EXPECT_CONTAINS(error_of("scheduled: {chassis: {line_cards: 2}}"),
                  "scheduled.chassis: applies only when fabric.topology is single");
  EXPECT_CONTAINS(error_of("adaptive: {grades: 4}\nvariants: {a: {switch: adaptive, routing: ecmp},"
                           " b: {switch: scheduled}}"),
                  "adaptive.grades: applies only when routing is adaptive; here it is ecmp")
      << "the reason from the variant that comes closest";
  EXPECT_CONTAINS(error_of("workload: {pattern: incast, load: 0.5}"),
                  "workload.load: applies only when pattern is uniform or bursty or flows");
}

TEST(Loader, RejectsImpossibleCombinations) {
  EXPECT_EQ(
      error_of("workload: {pattern: incast, senders: 16}"),
      "test.yaml:1:29: workload.senders: incast of 16 senders to each of 1 receivers needs 17 "
      "hosts, but the fabric has 16");
  EXPECT_CONTAINS(error_of("workload: {pattern: incast, senders: 7, receivers: 3}"),
                  "needs 24 hosts");
  EXPECT_EQ(error_of("workload: {pattern: incast, senders: 15}"), "no error");
  EXPECT_CONTAINS(error_of("workload: {permutation: shift, shift: 16}"), "number of hosts, 16");
  EXPECT_CONTAINS(error_of("workload: {traffic_class: 2}"), "there is no class 2");
  EXPECT_CONTAINS(error_of("classes: [{},{},{},{},{},{},{},{},{}]"), "9 classes; valid is 1 to 8");
  EXPECT_CONTAINS(error_of("fabric: {topology: single, hosts: 10}\n"
                           "scheduled: {chassis: {line_cards: 4}}"),
                  "4 line cards do not divide 10 hosts");
  EXPECT_CONTAINS(error_of("scheduled: {xoff_cells: 768}"), "may still come");
  EXPECT_CONTAINS(error_of("scheduled: {xon_cells: 384}"), "not below xoff_cells");
  EXPECT_CONTAINS(error_of("switch: adaptive\nadaptive: {ecn: {kmin: 3 MiB}}"), "above kmax");
  EXPECT_CONTAINS(error_of("switch: adaptive\nadaptive: {trimming: true}"), "lossless: false");
  EXPECT_CONTAINS(error_of("fabric: {leaves: 4096, hosts_per_leaf: 1024}"), "4194304 hosts");
  EXPECT_CONTAINS(error_of("fabric: {leaves: 1, hosts_per_leaf: 1}"), "1 hosts");
  EXPECT_CONTAINS(error_of("fabric: {leaves: 4096, spines: 4096, hosts_per_leaf: 15}"),
                  "16777216 cables; valid is up to 1048576");
  EXPECT_CONTAINS(
      error_of("fabric: {leaves: 4096, spines: 1, hosts_per_leaf: 15, links_per_spine: 64}"),
      "262144 ports; valid is up to 65535");
  EXPECT_CONTAINS(error_of("nic: {window: 1 KiB}"), "does not hold one packet of 4 KiB");
  EXPECT_CONTAINS(error_of("measure: {warmup: 200 ms}"), "not before the deadline, 100 ms");
  EXPECT_CONTAINS(error_of("workload: {pattern: file}"), "needs the key 'file'");
  EXPECT_CONTAINS(error_of("variants: {good: {}, bad: {workload: {traffic_class: 5}}}"),
                  "variant 'bad': workload.traffic_class");
}

TEST(Loader, ImpossibleCombinationsPointAtTheirKey) {
  const auto starts = [](const std::string& error, const std::string& start) {
    EXPECT_EQ(error.substr(0, start.size()), start);
  };
  starts(error_of("seed: 1\nmeasure: {warmup: 200 ms}"), "test.yaml:2:11: measure.warmup: ");
  starts(error_of("seed: 1\nnic: {mtu: 8 KiB}", {"nic.window=1 KiB"}),
         "--set nic.window=1 KiB: nic.window: ");
  starts(error_of("workload:\n  - {pattern: incast}\n  - {pattern: incast, senders: 16}\n"),
         "test.yaml:3:23: workload.1.senders: ");
  starts(error_of("workload:\n  - {pattern: incast, senders: 16}\n"),
         "test.yaml:2:23: workload.senders: ");
  starts(error_of("variants: {good: {}, bad: {workload: {traffic_class: 5}}}"),
         "test.yaml:1:39: variant 'bad': workload.traffic_class: ");
  starts(error_of("scheduled: {receive_pool_cells: 4}"), "test.yaml:1:13: scheduled.receive_pool");
  starts(error_of("nic: {mtu: 8 KiB, window: 1 KiB}"), "test.yaml:1:19: nic.window: ");
  starts(error_of("measure: {deadline: 1 us}\nworkload: {start: 1 us}"), "test.yaml:2:12: ");
  starts(error_of("measure: {deadline: 1 us, warmup: 0 ns}\nworkload: {pattern: uniform}",
                  {"workload.start=2 us"}),
         "--set workload.start=2 us: workload.start: ");
  starts(error_of("nic: {mtu: 9 KB}\nscheduled: {buffer: 128 B}"), "test.yaml:2:");
  starts(error_of("classes: [{},{},{},{},{},{},{},{},{}]"), "test.yaml:1:1: classes: 9 classes");
  starts(error_of("fabric: {leaves: 1, hosts_per_leaf: 1}"), "test.yaml:1:1: fabric: 1 hosts");
  starts(error_of("workload: {file: none.cm}"),
         "test.yaml:1:12: workload.file: ./none.cm: no such");
}

TEST(Loader, RejectsBadNames) {
  EXPECT_CONTAINS(error_of("name: ../../etc"), "names the results folder");
  EXPECT_CONTAINS(error_of("name: ''"), "names the results folder");
  EXPECT_CONTAINS(error_of("variants: {'a b': {}}"), "is no name for a variant");
  EXPECT_CONTAINS(error_of("variants: {a: {name: x}}"), "belongs to the whole file");
  EXPECT_CONTAINS(error_of("variants: {}"), "expected a name and keys for each variant");
  EXPECT_CONTAINS(error_of("variants: [a]"), "expected a name and keys for each variant");
  EXPECT_CONTAINS(error_of(three_variants, {}, {"lossi"}), "did you mean 'lossy'?");
}

TEST(Loader, RejectsWhatIsNoScenarioFile) {
  EXPECT_EQ(error_of(""), "test.yaml: is empty");
  EXPECT_EQ(error_of("# only a comment\n"), "test.yaml: is empty");
  EXPECT_CONTAINS(error_of("just words"), "expected keys with values");
  EXPECT_CONTAINS(error_of("- a\n- b\n"), "expected keys with values");
  EXPECT_CONTAINS(error_of("nic:\n\tmtu: 4 KiB\n"), "test.yaml:2:");
  EXPECT_CONTAINS(error_of("nic: {mtu: 4 KiB"), "test.yaml:");
  EXPECT_CONTAINS(error_of("nic: 'open"), "not valid YAML");
  EXPECT_CONTAINS(error_of(std::string("seed: 1\0", 8)), "is not a text file");
  EXPECT_CONTAINS(error_of("seed: \xff\xfe"), "is not a text file");
  EXPECT_CONTAINS(error_of("seed: 1\n---\nseed: 2\n"), "more than one YAML document");
  EXPECT_CONTAINS(error_of("nic: &a {mtu: 4 KiB}\n"), "anchors and aliases are not supported");
  EXPECT_CONTAINS(error_of("a: &a [x, x]\nb: [*a, *a]\n"), "anchors and aliases");
  EXPECT_CONTAINS(error_of("{[a]: 1}"), "a key must be a word");
  EXPECT_CONTAINS(error_of(std::string(5000, '[')), "test.yaml:1:");
  EXPECT_CONTAINS(error_of("a: " + std::string(5000, '{')), "test.yaml:1:");
  EXPECT_CONTAINS(error_of("a: " + std::string(40, '[') + std::string(40, ']')),
                  "nested too deeply");
}

TEST(Loader, RejectsUnreadableFiles) {
  const auto error = [](const std::filesystem::path& file) -> std::string {
    try {
      load(file);
    } catch (const InputError& caught) {
      return caught.what();
    }
    return "no error";
  };
  const auto folder = std::filesystem::path(testing::TempDir());
  EXPECT_CONTAINS(error(folder / "nothing_here.yaml"), "no such file");
  EXPECT_CONTAINS(error(folder), "is a folder");
  EXPECT_CONTAINS(error("/dev/zero"), "is not a regular file");
  std::ofstream(folder / "large.yaml") << std::string((1U << 20) + 1, '#');
  EXPECT_CONTAINS(error(folder / "large.yaml"), "larger than 1 MiB");
  EXPECT_CONTAINS(error("/proc/self/mem"), "cannot be read: Input/output error");
}

TEST(Loader, AConnectionMatrixImpliesItsPattern) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "loader_test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "two.cm") << "Nodes 2\nConnections 1\n0->1 id 1 start 0 size 4096\n";
  std::ofstream(folder / "good.yaml") << "workload: {file: two.cm}\n";
  std::ofstream(folder / "bad.yaml") << "workload: {file: two.cm, pattern: incast}\n";
  const auto all = load(folder / "good.yaml");
  EXPECT_EQ(all[0].workload[0].pattern, Pattern::file);
  EXPECT_EQ(all[0].directory, folder.string());
  EXPECT_THROW(load(folder / "bad.yaml"), InputError);
  const auto set = load_with("workload: {pattern: permutation}",
                             {"workload.file=" + (folder / "two.cm").string()});
  EXPECT_EQ(set[0].workload[0].pattern, Pattern::file);
  EXPECT_CONTAINS(error_of("workload: {file: none.cm}"), "none.cm");
}

// Whatever bytes a file holds, reading it either works or is an InputError.
TEST(Loader, SurvivesDamagedFiles) {
  constexpr unsigned seed = 4711;
  std::mt19937 random(seed);
  const std::string alphabet = "{}[]:,-#&*!|>'\"%@`?\n\t ~0a\xc3";
  const std::string text = three_variants;
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = text;
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % damaged.size();
      switch (random() % 3) {
        case 0:
          damaged[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          damaged.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
        default:
          damaged.erase(at, 1 + random() % 20);
      }
      if (damaged.empty()) break;
    }
    try {
      load_with(damaged);
    } catch (const InputError&) {
      continue;
    } catch (const std::exception& error) {
      FAIL() << error.what() << " in round " << round << ", seed " << seed << ":\n" << damaged;
    }
  }
}

void visit_fields(const Section& section, const Section& root, const std::string& path) {
  for (const Field& field : section.fields) {
    const std::string where = join_path(path, field.key);
    EXPECT_NO_THROW(broken_condition(field.conditions, section, root)) << where;
    EXPECT_FALSE(field.what.empty()) << where << " lacks a sentence";
    const std::string before = value_text(field);
    EXPECT_NO_THROW(set_value(field, before)) << where << ": its default is out of range";
    EXPECT_EQ(value_text(field), before) << where;
  }
  for (const Section& inner : section.sections) {
    EXPECT_NO_THROW(broken_condition(inner.conditions, section, root)) << inner.key;
    EXPECT_FALSE(inner.what.empty()) << inner.key << " lacks a sentence";
    if (!inner.members) {
      visit_fields(inner, root, join_path(path, inner.key));
      continue;
    }
    for (const Section& member : inner.members()) {
      visit_fields(member, root, join_path(path, inner.key));
    }
  }
}

TEST(Loader, EveryDeclarationIsSound) {
  Scenario scenario;
  const Section root = describe(scenario);
  visit_fields(root, root, "");
}

TEST(Loader, EchoesParametersThatApply) {
  const auto all = load_with(three_variants);
  const auto json = parameters_of(all[2]);
  EXPECT_EQ(json.at("fabric").at("host_link").at("rate"), "106.25 Gbps");
  EXPECT_EQ(json.at("workload").at(0).at("senders"), 16);
  EXPECT_TRUE(json.contains("adaptive"));
  EXPECT_FALSE(json.contains("scheduled"));
  EXPECT_FALSE(json.at("nic").contains("window"));
}

}  // namespace
}  // namespace heddle
