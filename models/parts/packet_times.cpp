#include "parts/packet_times.h"

#include <fmt/format.h>

#include <numeric>
#include <tuple>

namespace heddle {

Cycle PacketTimes::latency_of(const PacketRecord& record, Cycle now) {
  const std::uint64_t latency = now - record.due;
  const std::uint64_t sum =
      std::accumulate(record.stage.begin(), record.stage.end(), std::uint64_t{0});
  if (sum != latency) {
    throw CheckFailure(
        fmt::format("a packet took {} cycles, its stages add up to {}", latency, sum));
  }
  return latency;
}

void PacketTimes::add(const PacketRecord& record, Cycle latency) {
  if (latency >= slowest_.latency) compare_with_slowest(record, latency);
  latency_.add(latency);
  auto& tail = tail_[Histogram::Scale::bucket(latency)];
  for (unsigned s = 0; s < stage_count; ++s) {
    stages_[s].add(record.stage[s]);
    tail[s] += record.stage[s];
  }
}

void PacketTimes::compare_with_slowest(const PacketRecord& record, Cycle latency) {
  const auto rank = [](const PacketRecord& packet) {
    return std::make_tuple(packet.due, packet.message, packet.order);
  };
  if (latency == slowest_.latency && !(rank(record) < rank(slowest_.record))) return;
  slowest_ = {record, latency};
}

double PacketTimes::tail_share(Stage stage) const {
  if (latency_.count() == 0) return 0;
  std::uint64_t of_stage = 0;
  std::uint64_t of_all = 0;
  for (unsigned bucket = latency_.quantile_bucket(0.999); bucket < tail_.size(); ++bucket) {
    of_stage += tail_[bucket][static_cast<unsigned>(stage)];
    of_all += std::accumulate(tail_[bucket].begin(), tail_[bucket].end(), std::uint64_t{0});
  }
  return of_all == 0 ? 0 : static_cast<double>(of_stage) / static_cast<double>(of_all);
}

}  // namespace heddle
