// Kernels written by hand: what they become, and that everything else is one sentence with its
// place, its key and the nearest name.
#include "engine/programs/kernel_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "kernel/error.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

HandKernel read_text(const std::string& text, const AcceleratorConfig& config = {},
                     std::uint64_t chips = 1) {
  const fs::path file =
      fs::temp_directory_path() / ("heddle_kernel_file_test." + std::to_string(getpid()) + ".yaml");
  std::ofstream(file) << text;
  return read_kernel(file, config, chips);
}

/// Without the folder.
std::string refusal(const std::string& text, const AcceleratorConfig& config = {},
                    std::uint64_t chips = 1) {
  try {
    read_text(text, config, chips);
  } catch (const InputError& error) {
    std::string sentence = error.what();
    const std::string folder = fs::temp_directory_path().string() + "/heddle_kernel_file_test." +
                               std::to_string(getpid()) + ".";
    const std::size_t at = sentence.find(folder);
    if (at != std::string::npos) sentence.erase(at, folder.size());
    return sentence;
  }
  return "accepted";
}

/// One instruction of an engine.
std::string stream(const std::string& engine, const std::string& instruction) {
  return "semaphores: {free: 1, full: 0}\nstreams:\n  " + engine + ":\n    - " + instruction + "\n";
}

TEST(KernelFile, EveryInstructionBecomesItsOwn) {
  const HandKernel read = read_text(R"(
semaphores: {a: 2, b: 0, c: 70000}
streams:
  tensor:
    - load_stationary: {rows: 100, columns: 90, type: int8, wait: {a: 2}, signal: {b: 1}}
    - multiply_moving: {columns: 512, bank: 7, type: int8, wait: {a: 1, b: 2, c: 3}}
  vector:
    - elementwise: {elements: 1000, bank: 7}
  scalar:
    - elementwise: {elements: 12}
  gpsimd:
    - wait: {wait: {c: 65535}}
    - barrier: {reduce: 1 MiB, signal: {a: 1, b: 1, c: 1}}
  sync:
    - read: {bytes: 32 KiB, address: 4 KiB, queue: 15, signal: {b: 1}}
    - write: {bytes: 100 B, node: 3, address: 1 MiB}
    - barrier:
)",
                                    {}, 4);
  ASSERT_EQ(read.semaphores.size(), 3U);
  EXPECT_EQ(read.semaphores[0].name, "a");
  EXPECT_EQ(read.semaphores[0].initial, 2U);
  EXPECT_EQ(read.semaphores[2].initial, 70'000U);
  const auto& streams = read.kernel.streams;

  const Instruction& load = streams[0].at(0);
  EXPECT_EQ(load.opcode, Opcode::load_stationary);
  EXPECT_EQ(load.type, DataType::int8);
  EXPECT_EQ(load.rows, 100U);
  EXPECT_EQ(load.columns, 90U);
  EXPECT_EQ(load.waits[0].semaphore, 0U);
  EXPECT_EQ(load.waits[0].count, 2U);
  EXPECT_EQ(load.waits[1].count, 0U);
  EXPECT_EQ(load.signals[0].semaphore, 1U);
  EXPECT_EQ(load.signals[0].count, 1U);
  const Instruction& pass = streams[0].at(1);
  EXPECT_EQ(pass.opcode, Opcode::multiply_moving);
  EXPECT_EQ(pass.elements, 512U);
  EXPECT_EQ(pass.psum_bank, 7U);
  EXPECT_EQ(pass.waits[2].semaphore, 2U);
  EXPECT_EQ(pass.waits[2].count, 3U);

  EXPECT_EQ(streams[1].at(0).opcode, Opcode::elementwise);
  EXPECT_EQ(streams[1].at(0).psum_bank, 7U);
  EXPECT_EQ(streams[1].at(0).elements, 1000U);
  EXPECT_EQ(streams[2].at(0).psum_bank, no_bank);
  EXPECT_EQ(streams[3].at(0).opcode, Opcode::wait);
  EXPECT_EQ(streams[3].at(0).waits[0].count, 65'535U);
  EXPECT_EQ(streams[3].at(1).opcode, Opcode::barrier);
  EXPECT_EQ(streams[3].at(1).bytes, 1U << 20);

  const Instruction& fetch = streams[4].at(0);
  EXPECT_EQ(fetch.opcode, Opcode::transfer);
  EXPECT_FALSE(fetch.write);
  EXPECT_FALSE(fetch.remote);
  EXPECT_EQ(fetch.bytes, 32U << 10);
  EXPECT_EQ(fetch.address, 4U << 10);
  EXPECT_EQ(fetch.queue, 15U);
  const Instruction& put = streams[4].at(1);
  EXPECT_TRUE(put.write);
  EXPECT_TRUE(put.remote);
  EXPECT_EQ(put.address, (std::uint64_t{3} * 96 << 30) + (1 << 20));
  EXPECT_EQ(streams[4].at(2).bytes, 0U);
}

TEST(KernelFile, LoopsAreWrittenOut) {
  const HandKernel read = read_text(R"(
streams:
  tensor:
    - repeat: 3
      body:
        - load_stationary: {rows: 1, columns: 1}
        - repeat: 2
          body:
            - multiply_moving: {columns: 5, bank: 0}
            - multiply_moving: {columns: 6, bank: 1}
    - wait:
    - body:
        - wait:
)");
  const auto& stream = read.kernel.streams[0];
  ASSERT_EQ(stream.size(), 3 * (1 + 2 * 2) + 2U);
  std::uint64_t columns = 0;
  for (const Instruction& one : stream) columns += one.elements;
  EXPECT_EQ(stream[5].opcode, Opcode::load_stationary);
  EXPECT_EQ(stream[9].elements, 6U);
  EXPECT_EQ(columns, 3 * 2 * 11U);
}

TEST(KernelFile, AKernelNeedsStreams) {
  EXPECT_EQ(refusal("semaphores: {a: 0}\n"), "yaml:1:1: streams: expected the streams of engines");
  EXPECT_EQ(refusal("streams: [1]\n"), "yaml:1:1: streams: expected the streams of engines");
  EXPECT_EQ(refusal("stream: {}\n"), "yaml:1:1: stream: unknown key; did you mean 'streams'?");
  EXPECT_EQ(refusal("streams: {tenser: []}\n"),
            "yaml:1:11: streams.tenser: no such engine; did you mean 'tensor'?");
  EXPECT_EQ(refusal("streams: {tensor: {}}\n"),
            "yaml:1:11: streams.tensor: expected a list of instructions");
  EXPECT_EQ(refusal("semaphores: 5\nstreams: {}\n"),
            "yaml:1:1: semaphores: expected semaphores, each with what it begins with");
  EXPECT_EQ(refusal("semaphores: [a, b]\nstreams: {}\n"),
            "yaml:1:1: semaphores: expected semaphores, each with what it begins with");
  EXPECT_EQ(refusal("streams: {}\n"), "accepted");
}

TEST(KernelFile, WordsThatAreNoInstructionsAreNamed) {
  EXPECT_EQ(refusal(stream("tensor", "multiply_movin: {columns: 5, bank: 0}")),
            "yaml:4:7: streams.tensor.0: no such instruction: multiply_movin; did you mean "
            "'multiply_moving'?");
  EXPECT_EQ(refusal(stream("tensor", "wait")),
            "yaml:4:7: streams.tensor.0: expected an instruction");
  EXPECT_EQ(refusal(stream("tensor", "load_stationary: 128")),
            "yaml:4:7: streams.tensor.0.load_stationary: expected keys with values, as {rows: "
            "128}");
  EXPECT_EQ(refusal(stream("sync", "{read: {bytes: 1 B}, write: {bytes: 1 B}}")),
            "yaml:4:7: streams.sync.0: expected one instruction");
}

TEST(KernelFile, KeysThatAreNotOfTheInstructionAreNamed) {
  EXPECT_EQ(refusal(stream("tensor", "load_stationary: {rows: 1, colums: 1}")),
            "yaml:4:7: streams.tensor.0.load_stationary: has no `columns`");
  EXPECT_EQ(refusal(stream("tensor", "load_stationary: {rows: 1, columns: 1, typ: fp8}")),
            "yaml:4:46: load_stationary.typ: unknown key; did you mean 'type'?");
  EXPECT_EQ(refusal(stream("tensor", "load_stationary: {rows: 1, columns: 1, type: fp16}")),
            "yaml:4:46: load_stationary.type: 'fp16' is not a valid choice; did you mean 'bf16'?");
}

TEST(KernelFile, SizesHaveNoDefault) {
  EXPECT_EQ(refusal(stream("tensor", "load_stationary: {columns: 1}")),
            "yaml:4:7: streams.tensor.0.load_stationary: has no `rows`");
  EXPECT_EQ(refusal(stream("tensor", "multiply_moving: {bank: 1}")),
            "yaml:4:7: streams.tensor.0.multiply_moving: has no `columns`");
  EXPECT_EQ(refusal(stream("vector", "elementwise:")),
            "yaml:4:7: streams.vector.0.elementwise: has no `elements`");
  EXPECT_EQ(refusal(stream("sync", "read: {queue: 1}")),
            "yaml:4:7: streams.sync.0.read: has no `bytes`");
}

TEST(KernelFile, EnginesHaveTheirInstructions) {
  EXPECT_EQ(refusal(stream("vector", "load_stationary: {rows: 1, columns: 1}")),
            "yaml:4:7: streams.vector.0.load_stationary: the vector engine has no load_stationary");
  EXPECT_EQ(refusal(stream("tensor", "elementwise: {elements: 1}")),
            "yaml:4:7: streams.tensor.0.elementwise: the tensor engine has no elementwise");
  EXPECT_EQ(refusal(stream("sync", "elementwise: {elements: 1}")),
            "yaml:4:7: streams.sync.0.elementwise: the sync engine has no elementwise");
  for (const char* engine : {"tensor", "vector", "scalar", "gpsimd", "sync"}) {
    EXPECT_EQ(refusal(stream(engine, "read: {bytes: 1 B}")), "accepted") << engine;
    EXPECT_EQ(refusal(stream(engine, "barrier:")), "accepted") << engine;
    EXPECT_EQ(refusal(stream(engine, "wait: {wait: {free: 1}}")), "accepted") << engine;
  }
}

TEST(KernelFile, TilesThatDoNotFitTheArray) {
  const auto load = [](const std::string& operands, const AcceleratorConfig& config = {}) {
    return refusal(stream("tensor", "load_stationary: {" + operands + "}"), config);
  };
  EXPECT_EQ(load("rows: 128, columns: 128"), "accepted");
  EXPECT_EQ(load("rows: 129, columns: 128"),
            "yaml:4:7: streams.tensor.0.load_stationary: a tile of 129 x 128 does not fit the "
            "array, which takes 128 x 128");
  EXPECT_EQ(load("rows: 256, columns: 128, type: fp8"), "accepted");
  EXPECT_EQ(load("rows: 257, columns: 128, type: fp8"),
            "yaml:4:7: streams.tensor.0.load_stationary: a tile of 257 x 128 does not fit the "
            "array, which takes 256 x 128");
  EXPECT_EQ(load("rows: 1, columns: 129"),
            "yaml:4:7: streams.tensor.0.load_stationary: a tile of 1 x 129 does not fit the "
            "array, which takes 128 x 128");
}

TEST(KernelFile, SumsThatOverflowPsum) {
  const auto pass = [](const std::string& operands, const AcceleratorConfig& config = {}) {
    return refusal("streams: {tensor: [load_stationary: {rows: 1, columns: 1}, multiply_moving: {" +
                       operands + "}]}",
                   config);
  };
  EXPECT_EQ(pass("columns: 512, bank: 7"), "accepted");
  EXPECT_EQ(pass("columns: 513, bank: 0"),
            "yaml:1:60: streams.tensor.1.multiply_moving: overflows PSUM: 513 sums of 4 bytes per "
            "partition in a bank of 2 KiB");
  AcceleratorConfig large;
  large.psum_bank = 4_KiB;
  EXPECT_EQ(pass("columns: 513, bank: 0", large),
            "yaml:1:60: streams.tensor.1.multiply_moving: 513 columns are more than "
            "accelerator.array.moving_limit, 512");
  EXPECT_EQ(pass("columns: 1, bank: 8"),
            "yaml:1:60: streams.tensor.1.multiply_moving: bank 8 of PSUM, which has 8");
  EXPECT_EQ(pass("columns: 1"),
            "yaml:1:60: streams.tensor.1.multiply_moving: has no `bank` for its sums");
  EXPECT_EQ(pass("columns: 1, bank: 0, type: fp32"),
            "yaml:1:60: streams.tensor.1.multiply_moving: a moving operand of fp32 with a "
            "stationary tile of bf16");
  EXPECT_EQ(refusal(stream("tensor", "multiply_moving: {columns: 5, bank: 0}")),
            "yaml:4:7: streams.tensor.0.multiply_moving: comes before any load_stationary");
  EXPECT_EQ(refusal(stream("scalar", "elementwise: {elements: 5, bank: 8}")),
            "yaml:4:7: streams.scalar.0.elementwise: bank 8 of PSUM, which has 8");
}

TEST(KernelFile, ALoopThatComesBackWithATileOfAnotherType) {
  EXPECT_EQ(refusal(R"(streams:
  tensor:
    - load_stationary: {rows: 1, columns: 1}
    - repeat: 2
      body:
        - multiply_moving: {columns: 1, bank: 0}
        - load_stationary: {rows: 1, columns: 1, type: fp8}
)"),
            "yaml:2:3: streams.tensor: instruction 3: a moving operand of bf16 with a stationary "
            "tile of fp8");
}

TEST(KernelFile, SemaphoresMustBeDeclared) {
  EXPECT_EQ(refusal(stream("sync", "wait: {wait: {fre: 1}}")),
            "yaml:4:21: streams.sync.0.wait.wait: no such semaphore: fre; did you mean 'free'?");
  EXPECT_EQ(refusal(stream("sync", "wait: {signal: {full: 0}}")).rfind("yaml:4:23: full: ", 0), 0U);
  EXPECT_EQ(refusal(stream("sync", "wait: {signal: {full: 65536}}")).rfind("yaml:4:23: full: ", 0),
            0U);
  EXPECT_EQ(refusal("semaphores: {a: -1}\nstreams: {}\n").rfind("yaml:1:14: a: ", 0), 0U);
  EXPECT_EQ(refusal("semaphores: {a: }\nstreams: {}\n").rfind("yaml:1:14: a: ", 0), 0U);
  EXPECT_EQ(refusal("semaphores: {a: 1, b: 1, c: 1, d: 1}\nstreams: {sync: [wait: {wait: {a: 1, "
                    "b: 1, c: 1, d: 1}}]}\n"),
            "yaml:2:25: streams.sync.0.wait.wait: more than 3 semaphores; a `wait` instruction "
            "takes more");
  EXPECT_EQ(refusal(stream("sync", "wait: {wait: full}")),
            "yaml:4:14: streams.sync.0.wait.wait: expected semaphores with counts");
}

TEST(KernelFile, TransfersStayInsideTheMemory) {
  EXPECT_EQ(refusal(stream("sync", "read: {bytes: 4 KiB, queue: 16}")).rfind("yaml:4:28: ", 0), 0U);
  AcceleratorConfig few;
  few.dma.queues = 4;
  EXPECT_EQ(refusal(stream("sync", "read: {bytes: 4 KiB, queue: 4}"), few),
            "yaml:4:7: streams.sync.0.read: queue 4 of 4");
  EXPECT_EQ(refusal(stream("sync", "read: {bytes: 4 KiB, address: 100663292 KiB}")), "accepted");
  EXPECT_EQ(refusal(stream("sync", "read: {bytes: 4 KiB, address: 100663293 KiB}")),
            "yaml:4:7: streams.sync.0.read: ends beyond the chip's memory, 96 GiB");
  EXPECT_EQ(refusal(stream("sync", "read: {bytes: 4 KiB, node: 4}"), {}, 4),
            "yaml:4:7: streams.sync.0.read: node 4 of 4");
  EXPECT_EQ(refusal(stream("sync", "read: {bytes: 4 KiB, node: 3}"), {}, 4), "accepted");
  EXPECT_EQ(refusal(stream("sync", "read: {bytes: 4}")).rfind("yaml:4:14: read.bytes: ", 0), 0U)
      << "without a unit";
}

TEST(KernelFile, Loops) {
  EXPECT_EQ(refusal(stream("sync", "repeat: 5")),
            "yaml:4:7: streams.sync.0: `repeat` has no `body`");
  EXPECT_EQ(refusal(stream("sync", "{repeat: 0, body: []}")).rfind("yaml:4:8: repeat: ", 0), 0U);
  EXPECT_EQ(refusal(stream("sync", "{repeat: 3, body: [], times: 2}")).rfind("yaml:4:29: times", 0),
            0U);
  EXPECT_EQ(refusal(stream("sync", "{repeat: 3, body: 7}")),
            "yaml:4:19: streams.sync.0.body: expected a list of instructions");
  EXPECT_EQ(refusal(stream("sync", "{repeat: 1000000, body: [wait: , wait: , wait: , wait: ]}")),
            "accepted");
  EXPECT_EQ(refusal(stream("sync",
                           "{repeat: 1000000, body: [wait: , wait: , wait: , wait: , "
                           "wait: ]}")),
            "yaml:4:7: streams.sync.0: more than 4000000 instructions in a kernel");
  const std::string half = "{repeat: 500000, body: [wait: , wait: , wait: , wait: ]}";
  EXPECT_EQ(refusal(stream("sync", half) + "  vector: [" + half + "]\n"), "accepted");
  EXPECT_EQ(refusal(stream("sync", half) + "  vector: [" + half + ", wait: ]\n"),
            "yaml:5:70: streams.vector.1: more than 4000000 instructions in a kernel");
  // A loop around nothing takes no time, however often.
  EXPECT_EQ(refusal(stream("sync", "{repeat: 1000000, body: []}")), "accepted");
}

TEST(KernelFile, TextThatIsNoYamlAndFilesThatAreNotThere) {
  EXPECT_NE(refusal("streams: {tensor: [").find("yaml:1:"), std::string::npos);
  EXPECT_THROW(read_kernel("/nowhere/kernel.yaml", {}, 1), InputError);
}

}  // namespace
}  // namespace heddle
