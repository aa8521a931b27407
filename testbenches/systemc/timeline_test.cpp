// Timelines, read back by a parser that knows nothing of the writer: they are JSON, slices of a row
// nest, arrows begin and end in slices, counters say what the slices say, and names are any text.
#include "engine/timeline.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "chip_bench.h"
#include "engine/programs/job_list.h"
#include "kernel/error.h"
#include "kernel/rng.h"

namespace heddle::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Cycles: the file has microseconds, a cycle is shown as a nanosecond.
Cycle cycle(const Json& microseconds) {
  return static_cast<Cycle>(microseconds.get<double>() * 1000 + 0.5);
}

struct Slice {
  Cycle begin;
  Cycle end;
  std::string name;
  Json arguments;
};
struct Arrow {
  std::pair<unsigned, unsigned> row;  ///< core and row
  Cycle at;
};

/// A timeline as a reader sees it.
struct Trace {
  Json whole;
  std::map<std::pair<unsigned, unsigned>, std::string> rows;
  std::map<std::pair<unsigned, unsigned>, std::vector<Slice>> slices;
  std::map<std::uint64_t, std::vector<Arrow>> arrows;
  std::map<std::pair<unsigned, std::string>, std::vector<std::pair<Cycle, double>>> counters;

  explicit Trace(const fs::path& file) {
    std::ifstream stream(file);
    whole = Json::parse(stream);
    for (const Json& event : whole["traceEvents"]) add(event);
  }

  const std::vector<Slice>& of(unsigned core, const std::string& row) {
    for (const auto& [place, name] : rows) {
      if (place.first == core && name == row) return slices[place];
    }
    ADD_FAILURE() << "no row " << row;
    return slices[{core, ~0U}];
  }

 private:
  void add(const Json& event) {
    const std::string kind = event["ph"];
    const unsigned core = event["pid"];
    const std::pair<unsigned, unsigned> row{core, event.value("tid", 0U)};
    if (kind == "M") {
      if (event["name"] == "thread_name") rows[row] = event["args"]["name"];
    } else if (kind == "X") {
      const Cycle begin = cycle(event["ts"]);
      slices[row].push_back({begin, begin + cycle(event["dur"]), event["name"], event["args"]});
    } else if (kind == "C") {
      counters[{core, event["name"]}].emplace_back(cycle(event["ts"]), event["args"]["value"]);
    } else {
      EXPECT_TRUE(kind == "s" || kind == "f") << kind;
      arrows[event["id"]].push_back({row, cycle(event["ts"])});
    }
  }
};

void expect_slices_nest(Trace& trace, const std::string& text) {
  for (auto& [row, slices] : trace.slices) {
    EXPECT_EQ(trace.rows.count(row), 1U) << text << ": a row without a name";
    // Perfetto's rule: a slice ends within the one that it begins in.
    std::stable_sort(slices.begin(), slices.end(), [](const Slice& a, const Slice& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
    });
    std::vector<Cycle> open;
    for (const Slice& slice : slices) {
      EXPECT_GT(slice.end, slice.begin) << text;
      while (!open.empty() && open.back() <= slice.begin) open.pop_back();
      if (!open.empty()) {
        EXPECT_LE(slice.end, open.back()) << text << ", row " << trace.rows[row] << ", "
                                          << slice.name << " in cycle " << slice.begin;
      }
      open.push_back(slice.end);
    }
  }
}

void expect_arrows_join_slices(Trace& trace, const std::string& text) {
  for (const auto& [id, ends] : trace.arrows) {
    ASSERT_EQ(ends.size(), 2U) << text << ", arrow " << id;
    EXPECT_LE(ends[0].at, ends[1].at) << text;
    for (const Arrow& end : ends) {
      const auto& slices = trace.slices[end.row];
      EXPECT_TRUE(std::any_of(
          slices.begin(), slices.end(),
          [&](const Slice& slice) { return slice.begin <= end.at && end.at < slice.end; }))
          << text << ", arrow " << id << ": nothing in row " << trace.rows[end.row] << " in cycle "
          << end.at;
    }
  }
}

void expect_counters_change(Trace& trace, const AcceleratorConfig& config,
                            const std::string& text) {
  for (const auto& [name, values] : trace.counters) {
    for (std::size_t i = 1; i < values.size(); ++i) {
      EXPECT_LT(values[i - 1].first, values[i].first) << text << ", " << name.second;
      if (i + 1 == values.size()) break;  // repeated where the timeline ends
      EXPECT_NE(values[i - 1].second, values[i].second) << text << ", " << name.second;
    }
    EXPECT_EQ(values.back().first, trace.counters.begin()->second.back().first)
        << text << ": " << name.second << " ends before the timeline";
    if (name.second != "PSUM banks in use") continue;
    for (const auto& [at, value] : values) {
      EXPECT_GE(value, 0) << text << " in cycle " << at;
      EXPECT_LE(value, static_cast<double>(config.psum_banks)) << text << " in cycle " << at;
    }
  }
}

void expect_sound(Trace& trace, const AcceleratorConfig& config, const std::string& text) {
  expect_slices_nest(trace, text);
  expect_arrows_join_slices(trace, text);
  expect_counters_change(trace, config, text);
}

/// Runs a chip with a timeline and shows what a reader sees of it.
void run_timeline(const AcceleratorConfig& config, std::vector<SemaphoreInfo> semaphores,
                  KernelSource& program, const TimelineOptions& window,
                  const std::function<void(ChipBench&, Trace&)>& look) {
  in_child([&] {
    TimelineOptions options = window;
    options.file = fs::temp_directory_path() / fmt::format("heddle_timeline_{}.json", getpid());
    ChipBench bench(config, std::move(semaphores), program);
    Timeline timeline(options, config, bench.clock());
    for (const auto& core : bench.chip().cores()) core->observe(&timeline);
    bench.finish();
    EXPECT_FALSE(fs::exists(options.file)) << "complete after close() only";
    timeline.close();
    Trace trace(options.file);
    fs::remove(options.file);
    look(bench, trace);
  });
}

std::vector<Job> few_jobs() {
  GemmJob gemm{"gemm", {300, 300, 300}};
  AttentionJob attention;
  attention.name = "attention";
  attention.units = 4;
  attention.columns = attention.tokens = 64;
  attention.context = 500;
  ElementwiseJob vectors;
  vectors.name = "vectors";
  vectors.elements = 100'000;
  vectors.inputs = 2;
  return {gemm, attention, vectors};
}

AcceleratorConfig two_cores() {
  AcceleratorConfig config;
  config.cores = 2;
  return config;
}

TEST(Timeline, JobsAsAReaderSeesThem) {
  const AcceleratorConfig config = two_cores();
  ChipProgram program(config, DataType::bf16, few_jobs());
  run_timeline(config, CoreProgram::semaphores(config, DataType::bf16), program, {},
               [&](ChipBench& bench, Trace& trace) {
                 expect_sound(trace, config, "jobs");
                 EXPECT_GT(trace.arrows.size(), 20U);
                 EXPECT_EQ(trace.whole["otherData"]["clock"], "2.4 GHz");
                 for (unsigned core = 0; core < 2; ++core) {
                   // The slices of an engine are its busy cycles, those of its loads apart.
                   Cycle busy = 0;
                   for (const Slice& slice : trace.of(core, "tensor: MultiplyMoving")) {
                     EXPECT_EQ(slice.name, "multiply_moving");
                     busy += slice.end - slice.begin;
                   }
                   EXPECT_EQ(busy, bench.spent(Engine::tensor, CycleCause::busy, core));
                   EXPECT_GT(trace.of(core, "tensor: LoadStationary").size(), 0U);
                   busy = 0;
                   for (const Slice& slice : trace.of(core, "vector"))
                     busy += slice.end - slice.begin;
                   EXPECT_EQ(busy, bench.spent(Engine::vector, CycleCause::busy, core));
                   EXPECT_EQ((trace.counters[{core, "PSUM banks in use"}].back().second), 0);
                 }
                 // The memory's rate over all windows is what was moved.
                 double bytes = 0;
                 const auto& rates = trace.counters[{0, "memory GB/s"}];
                 for (std::size_t i = 0; i + 1 < rates.size(); ++i) {
                   bytes += rates[i].second / 2.4 *
                            static_cast<double>(rates[i + 1].first - rates[i].first);
                 }
                 double moved = 0;
                 for (unsigned core = 0; core < 2; ++core) {
                   const DmaCounts& counts = bench.core(core).dma().counts();
                   moved += static_cast<double>(counts.bytes_read + counts.bytes_written);
                 }
                 EXPECT_NEAR(bytes, moved, moved * 1e-9);
               });
}

// 16 DMA engines move 23 B/ns each, and a long transfer counts while it runs, not when it ends.
TEST(Timeline, TheMemorysRateIsNoMoreThanTheDmaEngines) {
  Streams streams{{0}, {}};
  streams.add(Engine::sync, transfer(1 << 20).then(0)).add(Engine::tensor, pause().after(0));
  const AcceleratorConfig config = one_core();
  HandProgram program(streams.kernel, 1);
  run_timeline(config, {{"there", 0}}, program, {}, [&](ChipBench&, Trace& trace) {
    const auto& rates = trace.counters[{0, "memory GB/s"}];
    double bytes = 0;
    double highest = 0;
    for (std::size_t i = 0; i + 1 < rates.size(); ++i) {
      bytes += rates[i].second / 2.4 * static_cast<double>(rates[i + 1].first - rates[i].first);
      highest = std::max(highest, rates[i].second);
    }
    EXPECT_NEAR(bytes, 1 << 20, 1e-3);
    EXPECT_LE(highest, 16 * 23.0);
    EXPECT_GT(highest, 0.9 * 16 * 23);
  });
}

TEST(Timeline, ArrowsLeadFromLoadsAndToThem) {
  Streams streams{{0, 0, 0}, {}};
  streams.add(Engine::sync, transfer(32 << 10).then(0))
      .add(Engine::tensor, load().after(0).then(1))
      .add(Engine::tensor, pass(512).then(2))
      .add(Engine::gpsimd, pause().after(1))
      .add(Engine::vector, elementwise(512, 0).after(2));
  const AcceleratorConfig config = one_core();
  HandProgram program(streams.kernel, 1);
  run_timeline(config, {{"tile", 0}, {"loaded", 0}, {"sums", 0}}, program, {},
               [&](ChipBench&, Trace& trace) {
                 expect_sound(trace, config, "hand");
                 ASSERT_EQ(trace.arrows.size(), 3U);
                 const auto row = [&](const Arrow& end) { return trace.rows[end.row]; };
                 EXPECT_EQ(row(trace.arrows[0][0]), "DMA queue 0");
                 EXPECT_EQ(row(trace.arrows[0][1]), "tensor: LoadStationary");
                 EXPECT_EQ(row(trace.arrows[1][0]), "tensor: LoadStationary");
                 EXPECT_EQ(row(trace.arrows[1][1]), "gpsimd");
                 EXPECT_EQ(row(trace.arrows[2][0]), "tensor: MultiplyMoving");
                 EXPECT_EQ(row(trace.arrows[2][1]), "vector");
                 // What it waited for stands beside it.
                 const auto& waits = trace.of(0, "tensor waits for");
                 ASSERT_FALSE(waits.empty());
                 EXPECT_EQ(waits[0].arguments["semaphore"], "tile");
               });
}

TEST(Timeline, AnArrowEndsWhereTheInstructionBegins) {
  // The semaphore comes long before the bank is free.
  Streams streams{{0, 0}, {}};
  streams.add(Engine::tensor, load().then(0))
      .add(Engine::tensor, pass(512, 3))
      .add(Engine::gpsimd, elementwise(100).then(1))
      .add(Engine::scalar, elementwise(10, 3).after(0).after(1));
  const AcceleratorConfig config = one_core();
  HandProgram program(streams.kernel, 1);
  run_timeline(config, {{"a", 0}, {"b", 0}}, program, {}, [&](ChipBench&, Trace& trace) {
    expect_sound(trace, config, "bank");
    ASSERT_EQ(trace.arrows.size(), 2U);
    EXPECT_EQ(trace.arrows[0][1].at, 799U);
    EXPECT_EQ(trace.arrows[1][1].at, 799U);
  });
}

TEST(Timeline, AWindowShowsWhatGoesOnInIt) {
  const AcceleratorConfig config = two_cores();
  for (const std::uint64_t begin : {0U, 2U, 5U}) {
    ChipProgram program(config, DataType::bf16, few_jobs());
    TimelineOptions window;
    window.begin = Duration{begin * 1'000'000};
    window.end = Duration{(begin + 2) * 1'000'000};
    run_timeline(config, CoreProgram::semaphores(config, DataType::bf16), program, window,
                 [&](ChipBench&, Trace& trace) {
                   expect_sound(trace, config, fmt::format("from {} us", begin));
                   for (const auto& [row, slices] : trace.slices) {
                     for (const Slice& slice : slices) {
                       EXPECT_LT(slice.begin, (begin + 2) * 2400);
                       EXPECT_GT(slice.end, begin * 2400);
                     }
                   }
                 });
  }
}

TEST(Timeline, NamesAreAnyText) {
  Streams streams{{0}, {}};
  streams.kernel.name = "my \"kernel\"\\ \n\xff.yaml";
  streams.add(Engine::scalar, elementwise(5).then(0)).add(Engine::sync, pause().after(0));
  const AcceleratorConfig config = one_core();
  HandProgram program(streams.kernel, 1);
  run_timeline(config, {{"a \"b\"", 0}}, program, {}, [&](ChipBench&, Trace& trace) {
    expect_sound(trace, config, "names");
    EXPECT_EQ(trace.of(0, "scalar").at(0).arguments["kernel"],
              "my \"kernel\"\\ \n\xef\xbf\xbd.yaml");
    EXPECT_EQ(trace.of(0, "sync waits for").at(0).arguments["semaphore"], "a \"b\"");
  });
}

TEST(Timeline, TheThrottleIsShownWhenItChanges) {
  AcceleratorConfig config = one_core();
  config.throttle.enabled = true;
  Streams streams;
  streams.add(Engine::tensor, load()).add(Engine::tensor, pass(512), 20);
  HandProgram program(streams.kernel, 1);
  run_timeline(config, {}, program, {}, [&](ChipBench&, Trace& trace) {
    expect_sound(trace, config, "throttle");
    const auto& limits = trace.counters[{0, "throttle limit"}];
    ASSERT_GT(limits.size(), 5U);
    EXPECT_EQ(limits.front(), std::make_pair(Cycle{33}, 0.5));
    EXPECT_EQ(limits.back().second, 1);
    EXPECT_LT(limits.size(), 20U) << "not for each of the passes at the full limit";
  });
}

TEST(Timeline, RandomProductsAreSound) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Rng random(seed, "timeline", "gemm");
    AcceleratorConfig config = two_cores();
    config.psum_banks = 2 + random.below(7);
    config.semaphore_cycles = 1 + random.below(5);
    GemmJob job{"gemm", {1 + random.below(700), 1 + random.below(400), 2 + random.below(400)}};
    job.shape.n &= ~std::uint64_t{1};
    if (random.below(2) == 0) job.epilogue = Epilogue::gated_unit;
    ChipProgram program(config, DataType::bf16, {job, job});
    run_timeline(config, CoreProgram::semaphores(config, DataType::bf16), program, {},
                 [&](ChipBench&, Trace& trace) {
                   expect_sound(trace, config, fmt::format("seed {}", seed));
                 });
  }
}

TEST(Timeline, AFileThatCannotBeWrittenIsNamed) {
  in_child([] {
    Workbench bench;
    TimelineOptions options;
    options.file = "/nowhere/timeline.json";
    try {
      const Timeline timeline(options, one_core(), bench.clock());
      ADD_FAILURE() << "accepted";
    } catch (const InputError& error) {
      EXPECT_STREQ(error.what(), "--timeline /nowhere/timeline.json: No such file or directory");
    }
  });
}

}  // namespace
}  // namespace heddle::testing
