// segmenter: model and RTL in lockstep. The stimulus keeps the contract that the RTL asserts.
#include "parts/segmenter.h"

#include <Vsegmenter.h>

#include "cosim/pins.h"
#include "cosim/twin.h"

namespace heddle {
namespace {

/// What one drawn stimulus is like.
struct SegmenterHabits {
  explicit SegmenterHabits(Rng random)
      : mode(random.below(3) == 0 ? Segmentation::unpacked : Segmentation::packed),
        payload_bytes(64 + random.below(random.below(2) != 0 ? 4033 : 193)),
        header_bytes(4 + random.below(61)),
        // So that not more packets end in a cell than the RTL has room for.
        smallest_packet(1 + (payload_bytes - 1) / 4),
        packet_range(1 + random.below(random.below(2) != 0 ? payload_bytes : 9000)),
        starting(draw_share(random)),
        cutting(draw_share(random)),
        offering(draw_share(random)) {}

  Segmentation mode;
  std::uint32_t payload_bytes;
  std::uint32_t header_bytes;
  std::uint32_t smallest_packet;  ///< stored bytes
  std::uint32_t packet_range;     ///< so many sizes from there on
  double starting;
  double cutting;
  double offering;  ///< of one more packet to follow
};

class SegmenterTwin {
 public:
  static constexpr const char* name = "segmenter";
  static constexpr unsigned ends = 5;

  explicit SegmenterTwin(std::uint64_t seed)
      : rtl(seed),
        habits_(Rng(seed, name, "habits")),
        model_(habits_.mode, habits_.payload_bytes, habits_.header_bytes) {
    for (unsigned n = 0; n < tags; ++n) packets_.acquire();
    pins::set(rtl->cfg_packed_i, habits_.mode == Segmentation::packed ? 1 : 0);
    pins::set(rtl->cfg_payload_bytes_i, habits_.payload_bytes);
    pins::set(rtl->cfg_header_bytes_i, habits_.header_bytes);
    pins::set(rtl->start_i, 0);
    pins::set(rtl->cut_i, 0);
    rtl.reset();
  }

  void cycle(Lockstep& lockstep) {
    Rng& random = lockstep.random;
    const bool start = !model_.busy() && random.uniform() < habits_.starting;
    const Frame packet = draw_packet(random, next_tag_);
    const unsigned voq = random.below(256);
    pins::set(rtl->start_i, start ? 1 : 0);
    pins::set(rtl->start_voq_i, voq);
    pins::set_frame(rtl->start_packet_i, 0, packet);
    if (start) {
      model_.start(voq, packet);
      ++next_tag_;
    }

    const bool cut = model_.busy() && random.uniform() < habits_.cutting;
    pins::set(rtl->cut_i, cut ? 1 : 0);
    offer(random);
    rtl.settle();
    if (cut) {
      compare_cut(lockstep);
    } else {
      lockstep.equal("taken_o", 0, rtl->taken_o);
      lockstep.equal("ends_o", 0, rtl->ends_o);
    }

    rtl.edge();
    lockstep.equal("busy_o", model_.busy() ? 1 : 0, rtl->busy_o);
    if (model_.busy()) lockstep.equal("voq_o", model_.voq(), rtl->voq_o);
  }

  RtlTop<Vsegmenter> rtl;

 private:
  static constexpr unsigned tags = 64;  ///< more than there are packets at once

  Frame draw_packet(Rng& random, std::uint32_t number) const {
    Frame packet;
    packet.packet = number % tags;
    packet.flow = static_cast<std::uint32_t>(random.bits());
    packet.wire_bytes = static_cast<std::uint16_t>(
        ethernet_framing_bytes + habits_.smallest_packet + random.below(habits_.packet_range));
    return packet;
  }

  void offer(Rng& random) {
    offered_ = 0;
    while (offered_ < ends && random.uniform() < habits_.offering) {
      next_[offered_] = draw_packet(random, next_tag_ + offered_);
      pins::set_frame(rtl->next_packet_i, offered_, next_[offered_]);
      ++offered_;
    }
    const unsigned astray = random.below(1U << ends) << (offered_ + 1);  // behind the first gap
    pins::set(rtl->next_valid_i, ((1U << offered_) - 1) | (astray & ((1U << ends) - 1)));
  }

  void compare_cut(Lockstep& lockstep) {
    unsigned taken = 0;
    const Frame cell = model_.cut(packets_, [&](const Frame&) {
      if (taken == offered_) return false;
      model_.start(model_.voq(), next_[taken++]);
      return true;
    });
    const Frame twin = pins::get_frame(rtl->cell_o, 0);
    next_tag_ += taken;
    lockstep.equal("taken_o", taken, rtl->taken_o);
    lockstep.equal("cell_o.payload_bytes", cell.payload_bytes, twin.payload_bytes);
    lockstep.equal("cell_o.wire_bytes", cell.wire_bytes, twin.wire_bytes);
    lockstep.equal("cell_o.flow", cell.flow, twin.flow);
    lockstep.equal("cell_o.packet", cell.packet, twin.packet);
    lockstep.equal("cell_o.kind", static_cast<unsigned>(cell.kind),
                   static_cast<unsigned>(twin.kind));
    unsigned finished = 0;
    for (std::uint32_t tag = cell.packet; tag != no_packet; tag = packets_[tag].next) {
      if (finished == ends) break;  // ends_o differs
      const Frame header = pins::get_frame(rtl->finished_o, finished++);
      lockstep.equal("finished_o.packet", packets_[tag].frame.packet, header.packet);
      lockstep.equal("finished_o.flow", packets_[tag].frame.flow, header.flow);
      lockstep.equal("finished_o.wire_bytes", packets_[tag].frame.wire_bytes, header.wire_bytes);
    }
    lockstep.equal("ends_o", finished, rtl->ends_o);
  }

  SegmenterHabits habits_;
  Segmenter model_;
  PacketPool packets_;
  std::uint32_t next_tag_ = 0;  ///< of the packet that is started next
  unsigned offered_ = 0;
  Frame next_[ends];
};

HEDDLE_TWIN_TESTS(SegmenterTwin, 80, 5000, 2000)

}  // namespace
}  // namespace heddle
