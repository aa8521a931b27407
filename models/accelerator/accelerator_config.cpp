#include "accelerator/accelerator_config.h"

#include <string>
#include <vector>

#include "kernel/error.h"

namespace heddle {

namespace {

const char* const nki = "AWS Neuron documentation, NKI, Trainium2";

}  // namespace

void ThrottleConfig::describe(Fields& fields) {
  const char* const source = "AWS Neuron documentation: starts near 50 %, full after about 3 us";
  fields.flag("enabled", enabled, "Whether an array that has idled is held back at first.", source);
  fields.add("initial", initial, 0.01, 1, "Share of time that it may work at first.", source)
      .when("enabled", {"true"});
  fields
      .add("threshold", threshold, 0, 1,
           "The limit returns when the array has worked a smaller share of the last `window`.",
           source)
      .when("enabled", {"true"});
  fields.add("ramp", ramp, 1e3, 1e9, "Until the limit is gone; it rises linearly.", source)
      .when("enabled", {"true"});
  fields.add("window", window, 1e3, 1e9, "Over which the array's work is looked at.", source)
      .when("enabled", {"true"});
}

void DmaConfig::describe(Fields& fields) {
  const char* const fit =
      "fit to AWS Neuron's measured DMA cost, max(107 ns, bytes / 23 B/ns), within 5 %";
  fields.add("engines", engines, 1, 64,
             "DMA engines of a core; the descriptors of a transfer are dealt to them in turn.",
             nki);
  fields.add("queues", queues, 1, 16,
             "Of each engine: in order within a queue, in turn among queues.", nki);
  fields.add("descriptor", descriptor, 64, 65536,
             "Largest piece of a transfer that one descriptor moves.");
  fields.add("descriptor_time", descriptor_time, 1e3, 1e7,
             "Least time of an engine for a descriptor.", fit);
  fields.add("rate", rate, 1e9, 1e13, "Of one engine.", fit);
  fields.add("start", start, 1e3, 1e8,
             "From the instruction that posts a transfer until its first descriptor may begin.",
             "AWS Neuron documentation: about 1.3 us from semaphore to start");
  fields.add("outstanding", outstanding, 1, 64,
             "Descriptors of an engine that may wait for memory at a time.");
}

/// HBM3: 16 channels of 64 bit per stack. The rate gives the vendor's 2.9 TB/s of four stacks.
ChipMemoryConfig::ChipMemoryConfig() {
  stack.channels = 16;
  stack.channel_rate = Rate{362'500'000'000};
  stack.capacity = 24_GiB;
  stack.stripe = 2_KiB;
}

void ChipMemoryConfig::describe(Fields& fields) {
  fields.add("stacks", stacks, 1, 16, "Memory stacks of a chip, each behind a TLM-2.0 socket.",
             "96 GiB in four stacks are assumed");
  fields.add("interleave", interleave, 256, 1 << 20,
             "Consecutive bytes in one stack; the next ones are in the next stack.");
  fields.section("stack", stack, "Each stack.");
}

void AcceleratorConfig::describe(Fields& fields) {
  const std::vector<std::string> chips{"chip"};
  fields.choice("model", model, {"chip", "array"},
                "A chip with all that keeps its arrays waiting; or one systolic array alone, which "
                "has its operands whenever it can take them, as in SCALE-Sim.");
  fields.add("cores", cores, 1, 64, "Cores of a chip.", nki).when("model", chips);
  fields.section("array", array, "The tensor engine's systolic array.");
  fields
      .add("vector_clock", vector_clock, 1e7, 1e10,
           "Vector engine: one element per partition and cycle.", nki)
      .when("model", chips);
  fields.add("scalar_clock", scalar_clock, 1e7, 1e10, "Scalar engine: likewise.", nki)
      .when("model", chips);
  fields
      .add("gpsimd_clock", gpsimd_clock, 1e7, 1e10,
           "General engine: likewise. It shares a port of SBUF with the vector engine.", nki)
      .when("model", chips);
  fields
      .add("instruction_cycles", instruction_cycles, 0, 10'000,
           "Fixed part of an instruction of these three, in cycles of their own.",
           "NKI guide, about 64 cycles (commonly quoted)")
      .when("model", chips);
  fields
      .add("semaphore_cycles", semaphore_cycles, 1, 10'000,
           "Cycles from the end of an instruction until others see its semaphores.")
      .when("model", chips);
  fields
      .add("barrier", barrier, 1e3, 1e9,
           "From the last core that reaches a barrier of the chip until all go on.")
      .when("model", chips);
  fields.add("sbuf", sbuf, 1024, 1 << 24, "Scratchpad per partition.", nki).when("model", chips);
  fields.add("psum_banks", psum_banks, 2, 64, "Banks that hold sums.", nki).when("model", chips);
  fields.add("psum_bank", psum_bank, 64, 65536, "A bank's bytes per partition; sums are fp32.", nki)
      .when("model", chips);
  fields.section("dma", dma, "The DMA engines of a core.").when("model", chips);
  fields.section("throttle", throttle, "The droop throttle of the tensor engine.")
      .when("model", chips);
  fields.section("memory", memory, "The chip's memory.").when("model", chips);
  fields
      .choice("all_reduce", all_reduce,
              {"ring", "bidirectional_ring", "hamiltonian_rings", "hierarchical"},
              "How the chips add up what each has a part of; docs/collectives.md.")
      .when("model", chips);
}

void AcceleratorConfig::check() const {
  if (model == AcceleratorModel::array) return;  // what follows is about chips
  if (array.dataflow != Dataflow::weight_stationary) {
    throw InputError("array.dataflow: a tensor engine's is weight_stationary");
  }
  if (array.folds != Folds::pipelined) {
    throw InputError("array.folds: a tensor engine's are pipelined");
  }
  if (array.mode != ArrayMode::fast) {
    throw InputError("array.mode: a core has no values that its PEs could compute");
  }
  if (dma.descriptor.value > memory.interleave.value) {
    throw InputError("dma.descriptor: is larger than memory.interleave");
  }
  if (memory.interleave.value % dma.descriptor.value != 0) {
    throw InputError("memory.interleave: is no multiple of dma.descriptor");
  }
  try {
    memory.stack.check();
  } catch (const InputError& error) {
    throw InputError(std::string("memory.stack.") + error.what());
  }
}

}  // namespace heddle
