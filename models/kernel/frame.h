// What crosses a link: 24 bytes, copied by value; nothing in it points anywhere.
#pragma once

#include <cstdint>

namespace heddle {

enum class FrameKind : std::uint8_t {
  packet,        ///< data between hosts (RoCEv2)
  ack,           ///< transport acknowledgement between hosts
  nak,           ///< transport negative acknowledgement between hosts
  cnp,           ///< congestion notification between hosts (DCQCN)
  cell,          ///< piece of a VOQ's packets between leaves
  voq_status,    ///< a VOQ tells an egress port how many credits it has asked for
  credit,        ///< an egress port tells a VOQ how many credits it has granted
  reachability,  ///< both ends of a fabric link: alive, and the leaves that an element reaches
  pause,         ///< priority flow control (IEEE 802.1Qbb), one class, link-local
  flow_control,  ///< fabric element stops or restarts the sender of one link, link-local
  torus_credit,  ///< a torus router has room again in one virtual channel, link-local
  torus_packet,  ///< between nodes of a torus, whole, in one virtual channel of each link
};

inline constexpr bool link_local(FrameKind kind) {
  return kind >= FrameKind::pause && kind <= FrameKind::torus_credit;
}

namespace frame_flag {
inline constexpr std::uint8_t congestion = 1;  ///< ECN: congestion experienced
inline constexpr std::uint8_t last = 2;        ///< last packet of its message;
                                               ///< nak: nothing from `sequence` on has come
inline constexpr std::uint8_t trimmed = 4;     ///< payload was cut away
inline constexpr std::uint8_t off = 8;         ///< pause, flow_control: stop (else: go);
                                               ///< reachability: the sender does not hear you
inline constexpr std::uint8_t again = 16;      ///< voq_status: repeated by the credit watchdog;
                                               ///< packet: to be acknowledged at once
inline constexpr std::uint8_t selective = 32;  ///< nak: only `sequence` is missing, keep the rest
inline constexpr std::uint8_t report = 64;     ///< packet: asks which packets are missing;
                                               ///< nak: belongs to the answer
inline constexpr std::uint8_t response = 128;  ///< torus_packet: answers another one
}  // namespace frame_flag

inline constexpr std::uint32_t no_packet = ~std::uint32_t{0};

struct Frame {
  FrameKind kind = FrameKind::packet;
  std::uint8_t traffic_class = 0;
  std::uint8_t flags = 0;
  std::uint8_t reserved = 0;
  std::uint16_t wire_bytes = 0;      ///< bytes of link time, preamble and gap included
  std::uint16_t payload_bytes = 0;   ///< message bytes (packet) or packet bytes (cell)
  std::uint16_t source = 0;          ///< host; for cell, voq_status and credit the leaf
  std::uint16_t destination = 0;     ///< host; for cell, voq_status and credit the leaf
  std::uint32_t flow = 0;            ///< sender's queue pair; voq_status, credit: port and class;
                                     ///< cell: its first bytes that continue an earlier packet
  std::uint32_t sequence = 0;        ///< PSN; cell number; credits, counted from the start
  std::uint32_t packet = no_packet;  ///< record that travels with the last byte of a packet

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};
static_assert(sizeof(Frame) == 24);

/// Link time of an Ethernet frame that is no part of it: preamble and start delimiter 8 B, gap
/// 12 B (IEEE 802.3, 4.2.3 and 4.4.2).
inline constexpr std::uint16_t ethernet_framing_bytes = 20;

/// What a switch stores of a frame that came over Ethernet.
inline std::uint32_t stored_bytes(const Frame& frame) {
  return static_cast<std::uint32_t>(frame.wire_bytes - ethernet_framing_bytes);
}

/// Stops or restarts one class of the link's other end: a MAC control frame of 64 B (IEEE
/// 802.1Qbb).
inline Frame pause_frame(unsigned traffic_class, bool off) {
  Frame frame;
  frame.kind = FrameKind::pause;
  frame.traffic_class = static_cast<std::uint8_t>(traffic_class);
  frame.flags = off ? frame_flag::off : std::uint8_t{0};
  frame.wire_bytes = 64 + ethernet_framing_bytes;
  return frame;
}

}  // namespace heddle
