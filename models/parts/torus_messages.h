// What the packets between torus endpoints say and carry, by the number of their record. A book
// that is not hardware, as the record itself: a packet's header and data, which a frame has no room
// for. Whoever holds the packet may look, nobody else.
#pragma once

#include <cstdint>
#include <vector>

#include "parts/collective_engine.h"

namespace heddle {

struct TorusMessage {
  enum class Kind : std::uint8_t { read, write, read_answer, write_answer, collective };

  Kind kind = Kind::read;
  bool has_data = false;      ///< bytes were given with it: memories may be without contents
  std::int8_t status = 1;     ///< of an answer: tlm_response_status
  std::uint32_t slot = 0;     ///< of the requester
  std::uint32_t serial = 0;   ///< of the slot's uses
  std::uint32_t bytes = 0;    ///< read or written
  std::uint64_t address = 0;  ///< in the memory of the destination
  CollectiveMessage collective;
};

class TorusMessages {
 public:
  /// `payload_bytes`: the largest of a packet.
  explicit TorusMessages(std::uint64_t payload_bytes) : words_((payload_bytes + 7) / 8) {}

  TorusMessage& operator[](std::uint32_t record) {
    if (record >= messages_.size()) {
      messages_.resize(record + 1);
      data_.resize(messages_.size() * words_);
    }
    return messages_[record];
  }
  /// Room for the data of a message that exists; valid until the next new one.
  std::uint64_t* words(std::uint32_t record) { return &data_[record * words_]; }
  unsigned char* bytes(std::uint32_t record) {
    return reinterpret_cast<unsigned char*>(words(record));
  }

 private:
  std::uint64_t words_;  // of a packet
  std::vector<TorusMessage> messages_;
  std::vector<std::uint64_t> data_;
};

}  // namespace heddle
