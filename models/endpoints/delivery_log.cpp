#include "endpoints/delivery_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace heddle {

void DeliveryLog::delivered(const PacketRecord& record, std::uint16_t payload_bytes, Cycle now) {
  ++delivered_;
  delivered_bytes_ += payload_bytes;
  last_delivery_ = last_progress_ = std::max(last_delivery_, now);
  const std::uint64_t latency = now - record.due;
  const std::uint64_t sum =
      std::accumulate(record.stage.begin(), record.stage.end(), std::uint64_t{0});
  if (sum != latency) {
    throw CheckFailure(
        fmt::format("a packet took {} cycles, its stages add up to {}", latency, sum));
  }
  if (record.stage[static_cast<unsigned>(Stage::retransmission)] != 0)
    last_repair_ = last_delivery_;
  if (record.due < warmup_) return;
  if (latency >= slowest_.latency) compare_with_slowest(record, latency);
  latency_.add(latency);
  auto& tail = tail_[Histogram::Scale::bucket(latency)];
  for (unsigned s = 0; s < stage_count; ++s) {
    stages_[s].add(record.stage[s]);
    tail[s] += record.stage[s];
  }
}

void DeliveryLog::compare_with_slowest(const PacketRecord& record, Cycle latency) {
  const auto rank = [](const PacketRecord& packet) {
    return std::make_tuple(packet.due, packet.message, packet.order);
  };
  if (latency == slowest_.latency && !(rank(record) < rank(slowest_.record))) return;
  slowest_ = {record, latency};
}

void DeliveryLog::message_completed(const PacketRecord& of_any_packet, HostId source,
                                    HostId destination, Cycle now) {
  ++messages_completed_;
  if (completed_.size() <= of_any_packet.message) {
    completed_.resize(std::max<std::size_t>(of_any_packet.message + 1, 2 * completed_.size()));
  }
  completed_[of_any_packet.message] = true;
  if (of_any_packet.message_due < warmup_) return;
  const Cycle took = now - of_any_packet.message_due;
  completion_.add(took);
  const Cycle ideal = ideal_(source, destination, of_any_packet.message_bytes);
  slowdown_permille_.add(took * 1000 / std::max<Cycle>(ideal, 1));
}

double DeliveryLog::tail_share(Stage stage) const {
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
