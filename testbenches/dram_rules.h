// An independent judge of a DRAM channel: it writes down every command, and looks at the end, pair
// by pair, whether the rules were kept. Slow, and written from the rules alone.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "parts/dram_timing.h"

namespace heddle::testing {

struct DramEvent {
  DramCommand command;
  unsigned bank;
  std::uint32_t row;
  Cycle data_cycles;
  Cycle at;
};
inline bool operator==(const DramEvent& a, const DramEvent& b) {
  return a.command == b.command && a.bank == b.bank && a.row == b.row &&
         a.data_cycles == b.data_cycles && a.at == b.at;
}

class DramJudge : public DramProbe {
 public:
  explicit DramJudge(const DramTiming& timing) : t_(timing) {}

  const std::vector<DramEvent>& events() const { return events_; }
  std::size_t count(DramCommand command) const {
    std::size_t n = 0;
    for (const DramEvent& e : events_) n += e.command == command ? 1 : 0;
    return n;
  }

  /// Every pair of commands that is close enough in time to matter.
  void judge() const {
    std::size_t first = 0;
    std::vector<Cycle> activates;
    for (std::size_t i = 0; i < events_.size(); ++i) {
      while (events_[first].at + horizon() < events_[i].at) ++first;
      for (std::size_t j = first; j < i; ++j) judge_pair(events_[j], events_[i]);
      if (events_[i].command != DramCommand::activate) continue;
      activates.push_back(events_[i].at);
      const std::size_t n = activates.size();
      if (n > 4) {
        EXPECT_GE(activates[n - 1] - activates[n - 5], t_.four_activates) << "tFAW";
      }
    }
    judge_data_bus();
    judge_open_rows();
  }

 private:
  void issued(DramCommand command, unsigned bank, std::uint32_t row, Cycle data_cycles,
              Cycle at) override {
    if (!events_.empty()) {
      EXPECT_GE(at, events_.back().at) << "commands in order of time";
    }
    events_.push_back({command, bank, row, data_cycles, at});
  }

  static bool column(const DramEvent& e) {
    return e.command == DramCommand::read || e.command == DramCommand::write;
  }
  static bool closes(const DramEvent& e) {
    return e.command == DramCommand::precharge || e.command == DramCommand::precharge_all;
  }
  Cycle data_begin(const DramEvent& e) const {
    return e.at + (e.command == DramCommand::read ? t_.read_latency : t_.write_latency);
  }
  Cycle data_end(const DramEvent& e) const { return data_begin(e) + e.data_cycles; }
  Cycle horizon() const {
    return t_.row_cycle + t_.refresh + t_.read_latency + t_.write_latency + t_.write_recovery +
           t_.write_to_read + 1000;
  }

  void judge_pair(const DramEvent& a, const DramEvent& b) const {
    const Cycle gap = b.at - a.at;
    const bool same_bank = a.bank == b.bank;
    if (column(a) == column(b)) {
      EXPECT_GE(gap, column(a) ? a.data_cycles : 1) << "one command per bus and cycle";
    }
    if (a.command == DramCommand::refresh) {
      EXPECT_GE(gap, t_.refresh) << "tRFC";
    }
    if (a.command == DramCommand::activate && same_bank) {
      if (b.command == DramCommand::activate) {
        EXPECT_GE(gap, t_.row_cycle) << "tRC";
      }
      if (b.command == DramCommand::read) {
        EXPECT_GE(gap, t_.activate_to_read) << "tRCDrd";
      }
      if (b.command == DramCommand::write) {
        EXPECT_GE(gap, t_.activate_to_write) << "tRCDwr";
      }
    }
    const bool closed_by = b.command == DramCommand::precharge_all || (closes(b) && same_bank);
    if (a.command == DramCommand::activate && closed_by) {
      EXPECT_GE(gap, t_.row_cycle - t_.precharge) << "tRAS";
    }
    if (a.command == DramCommand::read && closed_by) {
      EXPECT_GE(gap + t_.burst, t_.read_to_precharge + a.data_cycles) << "tRTP";
    }
    if (a.command == DramCommand::write && closed_by) {
      EXPECT_GE(b.at, data_end(a) + t_.write_recovery) << "tWR";
    }
    if (a.command == DramCommand::write && b.command == DramCommand::read) {
      EXPECT_GE(b.at, data_end(a) + t_.write_to_read) << "tWTR";
    }
    const bool opens = b.command == DramCommand::activate &&
                       (same_bank || a.command == DramCommand::precharge_all);
    if (closes(a) && (opens || b.command == DramCommand::refresh)) {
      EXPECT_GE(gap, t_.precharge) << "tRP";
    }
  }

  void judge_data_bus() const {
    const DramEvent* last = nullptr;
    for (const DramEvent& e : events_) {
      if (!column(e)) continue;
      if (last != nullptr) {
        const bool to_write = last->command == DramCommand::read && e.command == DramCommand::write;
        EXPECT_GE(data_begin(e), data_end(*last) + (to_write ? t_.read_to_write : 0)) << "data bus";
      }
      last = &e;
    }
  }

  void judge_open_rows() const {
    std::vector<std::uint32_t> open(64, no_row);
    for (const DramEvent& e : events_) {
      if (e.command == DramCommand::activate) {
        EXPECT_EQ(open[e.bank], no_row) << "activates an open bank";
        open[e.bank] = e.row;
      } else if (e.command == DramCommand::precharge) {
        EXPECT_NE(open[e.bank], no_row) << "closes a closed bank";
        open[e.bank] = no_row;
      } else if (e.command == DramCommand::precharge_all) {
        open.assign(open.size(), no_row);
      } else if (e.command == DramCommand::refresh) {
        for (const std::uint32_t row : open) EXPECT_EQ(row, no_row) << "refreshes an open bank";
      } else {
        EXPECT_EQ(open[e.bank], e.row) << "accesses a row that is not open";
      }
    }
  }

  DramTiming t_;
  std::vector<DramEvent> events_;
};

/// Jericho2's figures (OpenBCM SDK 6.5.27, cycles at 1 GHz) and the rest of DramConfig's defaults.
inline DramTiming jericho2_timing() {
  DramTiming t;
  t.row_cycle = 47;
  t.activate_to_read = 16;
  t.activate_to_write = 14;
  t.precharge = 16;
  t.four_activates = 16;
  t.read_latency = 22;
  t.write_latency = 7;
  t.read_to_precharge = 6;
  t.write_recovery = 16;
  t.write_to_read = 8;
  t.read_to_write = 2;
  t.refresh = 260;
  t.refresh_interval = 3900;
  t.burst = 2;
  return t;
}

}  // namespace heddle::testing
