// The registers of an HBM; docs/models/hbm.md lists them.
#include "accelerator/hbm.h"

namespace heddle {

namespace {

constexpr std::uint64_t channel_stride = 0x40;
constexpr std::uint64_t most_served = 1024;           // as scheduled.hbm.batch
constexpr std::uint64_t most_overtaking = 1'000'000;  // as scheduled.hbm.age_limit

std::string key(const std::string& name) { return "`scheduled.hbm." + name + "`"; }

}  // namespace

void Hbm::describe(RegisterMap& map) {
  RegisterBlock& config = map.block("config", config_registers,
                                    "What the scenario says, and what of it may be changed.");
  describe_configuration(config);
  describe_policy(config);
  describe_timing(config);

  RegisterBlock& counters = map.block("counters", counter_registers, "Since the start of the run.");
  const auto count = [&](const char* name, std::uint64_t offset, const char* text,
                         std::uint64_t HbmCounts::*which) {
    counters.add(name, offset, 8, text, [this, which] { return counts().*which; });
  };
  count("reads", 0x00, "Read requests that the controller has begun.", &HbmCounts::reads);
  count("writes", 0x08, "Write requests that it has begun.", &HbmCounts::writes);
  count("bytes_read", 0x10, "Bytes of the reads.", &HbmCounts::bytes_read);
  count("bytes_written", 0x18, "Bytes of the writes.", &HbmCounts::bytes_written);
  count("errors", 0x20, "Requests answered with an error.", &HbmCounts::errors);
  count("row_hits", 0x28, "Column accesses that found their row open.", &HbmCounts::row_hits);
  count("row_misses", 0x30, "Column accesses for which a row was opened.", &HbmCounts::row_misses);
  count("turns", 0x38, "Changes between reads and writes, of all channels.", &HbmCounts::turns);
  count("data_cycles", 0x40, "Cycles of data, of all channels together.", &HbmCounts::data_cycles);
  counters.add("refreshes", 0x48, 8, "Refreshes that have fallen due, of all channels.",
               [this] { return refreshes(present()); });
  counters.add("open_requests", 0x50, 4, "Requests whose response has not ended.",
               [this] { return target_.open(); });
  describe_channels(map);
}

void Hbm::describe_configuration(RegisterBlock& config) {
  const auto number = [&](const char* name, std::uint64_t offset, unsigned bytes, const char* text,
                          const char* of, std::uint64_t value) {
    config.add(name, offset, bytes, text, [value] { return value; }).resets_to(key(of));
  };
  number("channels", 0x00, 4, "Channels.", "channels", config_.channels);
  number("banks", 0x04, 4, "Banks of a channel.", "banks", config_.banks);
  number("capacity_bytes", 0x08, 8, "Of all channels.", "capacity", config_.capacity.value);
  number("channel_rate_bps", 0x10, 8, "Bits per second of a channel's data bus.", "channel_rate",
         config_.channel_rate.bits_per_second);
  number("row_bytes", 0x18, 4, "Bytes that one activation opens.", "row", config_.row.value);
  number("stripe_bytes", 0x1c, 4, "Consecutive bytes in one channel.", "stripe",
         config_.stripe.value);
  number("burst_bytes", 0x20, 4, "Least that a column command moves.", "burst",
         config_.burst.value);
  number("queue_accesses", 0x24, 4, "Reads, and writes, that a channel holds at most.", "queue",
         config_.queue);
}

/// Of the order in which accesses are served; it takes effect in all channels in the same cycle.
void Hbm::describe_policy(RegisterBlock& config) {
  using Policy = DramScheduler::Policy;
  const auto writable = [&](const char* name, std::uint64_t offset, const char* text,
                            std::uint64_t least, std::uint64_t most, std::uint32_t Policy::*of) {
    config.add(name, offset, 4, text, [this, of] { return schedulers_.front().policy().*of; })
        .resets_to(key(name))
        .writable(least, most, [this, of](std::uint64_t value) {
          Policy policy = schedulers_.front().policy();
          policy.*of = static_cast<std::uint32_t>(value);
          for (DramScheduler& scheduler : schedulers_) scheduler.set_policy(policy);
          for (unsigned channel = 0; channel < channels(); ++channel) due_.set(channel);
        });
  };
  writable("window", 0x28, "Oldest accesses of a queue that may be served out of order.", 1,
           most_served, &Policy::window);
  writable("batch", 0x2c, "Accesses of one direction before those that wait in the other.", 1,
           most_served, &Policy::batch);
  writable("age_limit", 0x30, "An access overtaken so often is served before any other.", 0,
           most_overtaking, &Policy::age_limit);
}

void Hbm::describe_timing(RegisterBlock& config) {
  const DramTiming timing = dram_timing(config_, clock_);
  std::uint64_t offset = 0x40;
  const auto rule = [&](const char* name, const char* text, Cycle DramTiming::*which) {
    config
        .add(std::string(name) + "_cycles", offset, 8, text,
             [cycles = timing.*which] { return cycles; })
        .resets_to(key(name));
    offset += 8;
  };
  rule("row_cycle", "tRC.", &DramTiming::row_cycle);
  rule("activate_to_read", "tRCDrd.", &DramTiming::activate_to_read);
  rule("activate_to_write", "tRCDwr.", &DramTiming::activate_to_write);
  rule("precharge", "tRP.", &DramTiming::precharge);
  rule("four_activates", "tFAW.", &DramTiming::four_activates);
  rule("read_latency", "From a read command to its first data.", &DramTiming::read_latency);
  rule("write_latency", "From a write command to its first data.", &DramTiming::write_latency);
  rule("read_to_precharge", "tRTP.", &DramTiming::read_to_precharge);
  rule("write_recovery", "tWR.", &DramTiming::write_recovery);
  rule("write_to_read", "tWTR.", &DramTiming::write_to_read);
  rule("read_to_write", "Silence between read and write data.", &DramTiming::read_to_write);
  rule("refresh", "tRFC.", &DramTiming::refresh);
  rule("refresh_interval", "tREFI.", &DramTiming::refresh_interval);
}

void Hbm::describe_channels(RegisterMap& map) {
  RegisterBlock& block =
      map.block("channel", port_registers, "A channel.", channels(), channel_stride);
  const auto queued = [&](const char* name, std::uint64_t offset, const char* text, bool write) {
    block.add(name, offset, 4, text,
              [this, write](unsigned c) { return schedulers_[c].queued(write); });
  };
  queued("queued_reads", 0x00, "Accesses that wait to be read; a request has one per stripe.",
         false);
  queued("queued_writes", 0x04, "Accesses that wait to be written.", true);
  using Counts = DramScheduler::Counts;
  const auto count = [&](const char* name, std::uint64_t offset, const char* text,
                         std::uint64_t Counts::*which) {
    block.add(name, offset, 8, text,
              [this, which](unsigned c) { return schedulers_[c].counts().*which; });
  };
  count("row_hits", 0x08, "Accesses that found their row open.", &Counts::row_hits);
  count("row_misses", 0x10, "Accesses for which a row was opened.", &Counts::row_misses);
  count("turns", 0x18, "Changes between reads and writes.", &Counts::turns);
  count("data_cycles", 0x20, "Cycles of data.", &Counts::data_cycles);
  block.add("refreshes", 0x28, 8, "Refreshes that have fallen due.",
            [this](unsigned c) { return schedulers_[c].refreshes(present()); });
}

}  // namespace heddle
