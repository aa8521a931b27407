#include "parts/dram_config.h"

#include "kernel/error.h"

namespace heddle {

void DramConfig::describe(Fields& fields) {
  const std::string sdk = "OpenBCM SDK 6.5.27: Jericho2, cycles at 1 GHz";
  const std::string dramsim = "DRAMsim3, HBM2_8Gb_x128.ini";
  fields.add("channels", channels, 1, 256,
             "Independent channels, each with its own banks, buses and queues.",
             "HBM2: 8 per stack; two stacks are assumed");
  fields.add("banks", banks, 1, 64, "Banks of a channel, each with one open row.", dramsim);
  fields.add("channel_rate", channel_rate, 1e9, 1e13,
             "Rate of a channel's data bus; an access occupies it for whole cycles.",
             "HBM2: 128 bit at 2 Gbps per pin");
  fields.add("capacity", capacity, 65536, 1e12, "Bytes of all channels together.",
             "two stacks of 4 GiB are assumed");
  fields.add("row", row, 64, 65536, "Bytes of a bank that one activation opens.",
             "HBM2: 2 KiB for a channel of 128 bit");
  fields.add("stripe", stripe, 32, 65536,
             "Consecutive bytes in one channel; the next ones are in the next channel.");
  fields.add("burst", burst, 16, 1024, "Least that one column command moves.",
             "OpenBCM SDK 6.5.27: Jericho2, burst length 4 (of 128 bit)");
  fields.add("row_cycle", row_cycle, 1e3, 1e6, "tRC: from an activation to the next of that bank.",
             sdk);
  fields.add("activate_to_read", activate_to_read, 1e3, 1e6,
             "tRCDrd: from an activation to a read of that bank.", sdk);
  fields.add("activate_to_write", activate_to_write, 1e3, 1e6,
             "tRCDwr: from an activation to a write of that bank.", sdk);
  fields.add("precharge", precharge, 1e3, 1e6,
             "tRP: from a precharge to an activation of that bank; tRAS is row_cycle less this.",
             sdk);
  fields.add("four_activates", four_activates, 1e3, 1e6,
             "tFAW: no five activations of a channel begin within this time.", sdk);
  fields.add("read_latency", read_latency, 1e3, 1e6, "From a read command to its first data.", sdk);
  fields.add("write_latency", write_latency, 1e3, 1e6, "From a write command to its first data.",
             sdk);
  fields.add("read_to_precharge", read_to_precharge, 1e3, 1e6,
             "tRTP: from a read's last column command to a precharge of that bank.", dramsim);
  fields.add("write_recovery", write_recovery, 1e3, 1e6,
             "tWR: from the end of write data to a precharge of that bank.", dramsim);
  fields.add("write_to_read", write_to_read, 1e3, 1e6,
             "tWTR: from the end of write data to a read command of the channel.", dramsim);
  fields.add("read_to_write", read_to_write, 0, 1e6,
             "Silence of the data bus between read and write data.");
  fields.add("refresh", refresh, 1e3, 1e7, "tRFC: how long a refresh closes a channel.", sdk);
  fields.add("refresh_interval", refresh_interval, 1e4, 1e12,
             "tREFI: each channel refreshes once in this time, the channels one after the other.",
             sdk);
  fields.add("queue", queue, 1, 1024,
             "Accesses that a channel's controller holds at most, reads and writes each.", dramsim);
  fields.add("window", window, 1, 1024,
             "Of those, how many of the oldest may be served out of order, row hits first.");
  fields.add("batch", batch, 1, 1024,
             "Reads in a row, or writes, before waiting writes, or reads, get their turn.");
  fields.add("age_limit", age_limit, 0, 1e6,
             "An access that so many younger ones have overtaken is served before any other.");
}

void DramConfig::check() const {
  const auto multiple = [](const char* key, Bytes whole, const char* of, Bytes part) {
    if (whole.value % part.value == 0) return;
    throw InputError(std::string(key) + ": " + std::to_string(whole.value) +
                     " bytes are no multiple of " + of + ", " + std::to_string(part.value));
  };
  multiple("stripe", stripe, "burst", burst);
  multiple("row", row, "stripe", stripe);
  if (!(precharge < row_cycle)) throw InputError("precharge: is not below row_cycle");
  const std::uint64_t closed = refresh.picoseconds + 2 * row_cycle.picoseconds;
  const std::uint64_t open = activate_to_read.picoseconds + activate_to_write.picoseconds +
                             read_latency.picoseconds + write_latency.picoseconds;
  if (refresh_interval.picoseconds < 2 * (closed + open)) {
    throw InputError(
        "refresh_interval: leaves too little time between refreshes to serve accesses");
  }
}

}  // namespace heddle
