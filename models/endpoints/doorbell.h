// What stands behind the doorbell registers of a NIC: the message that somebody outside wants sent,
// the answer to the last ring, and the messages that have been completed and not yet been looked
// at.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "endpoints/message.h"

namespace heddle {

class Doorbell {
 public:
  /// What a ring has led to; the values are those of the register `answer`.
  enum class Answer : std::uint8_t {
    none,           ///< nobody has rung yet
    posted,         ///< the message is due
    bad_host,       ///< no such host, or this one
    bad_class,      ///< no such traffic class
    bad_size,       ///< no bytes
    full,           ///< as many messages as the NIC keeps account of are open or not looked at
    out_of_numbers  ///< the run has no message ids left for this host, or kept none
  };

  /// How a message ended; the values are those of the register `completion_status`.
  enum class Status : std::uint8_t {
    none,          ///< no message is complete
    acknowledged,  ///< the receiver has all of it
    sent           ///< all of it has left; unreliable datagrams are not acknowledged
  };

  struct Completion {
    MessageId message = 0;
    Status status = Status::none;
    Cycle at = 0;  ///< in which the sender's NIC took the last acknowledgement
  };

  static constexpr unsigned capacity = 64;  ///< messages open or not looked at

  std::uint32_t destination = 0;
  std::uint32_t traffic_class = 0;
  std::uint64_t bytes = 0;

  Answer answer = Answer::none;
  std::uint32_t rings = 0;            ///< answered
  MessageId message = 0;              ///< the last one posted
  std::uint32_t new_completions = 0;  ///< since somebody last asked

  bool full() const { return open_.size() + completed_.size() >= capacity; }
  std::uint64_t open() const { return open_.size(); }
  std::uint64_t completed() const { return completed_.size(); }

  void posted(MessageId id) {
    open_.push_back(id);
    message = id;
  }

  /// A message of this NIC is done; of those that were posted, account is kept.
  void complete(MessageId id, bool acknowledged, Cycle now) {
    const auto found = std::find(open_.begin(), open_.end(), id);
    if (found == open_.end()) return;
    open_.erase(found);
    completed_.push_back({id, acknowledged ? Status::acknowledged : Status::sent, now});
    ++new_completions;
  }

  /// The oldest one not taken.
  Completion first() const { return completed_.empty() ? Completion() : completed_.front(); }
  void take_first() {
    if (!completed_.empty()) completed_.pop_front();
  }

 private:
  std::vector<MessageId> open_;
  std::deque<Completion> completed_;
};

}  // namespace heddle
