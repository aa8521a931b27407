#include "endpoints/delivery_log.h"

#include <algorithm>

namespace heddle {

void DeliveryLog::delivered(const PacketRecord& record, std::uint16_t payload_bytes, Cycle now) {
  ++delivered_;
  delivered_bytes_ += payload_bytes;
  last_delivery_ = last_progress_ = std::max(last_delivery_, now);
  const Cycle latency = PacketTimes::latency_of(record, now);
  if (record.stage[static_cast<unsigned>(Stage::retransmission)] != 0)
    last_repair_ = last_delivery_;
  if (record.due >= warmup_) packets_.add(record, latency);
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

}  // namespace heddle
