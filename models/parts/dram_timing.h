// One channel of a stacked DRAM: the state of its banks and buses, and from when on each command is
// legal. Whoever issues a command has asked before; an illegal one is a CheckFailure.
//
// A channel has a row bus (activate, precharge, refresh) and a column bus (read, write): one
// command begins on each per cycle at most. A column access is one or more bursts of one row; their
// column commands follow each other without a gap and so do their data. Rows stay open until
// another row of their bank is wanted, or the channel is refreshed.
//
// Refresh n of a channel is due `first_refresh` + n * `refresh_interval` after the start. From that
// cycle on no other command is issued; open banks are closed as soon as all of them may be, and the
// refresh begins when all are. As all of this follows from the state of the channel when the
// refresh is due, it costs nothing while the channel is idle: `refresh_until` catches up.
//
// The rules are those of JEDEC JESD235 (HBM) as far as facts with a source were at hand; bank
// groups (longer gaps within a group), per-bank refresh and power states are not modelled.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernel/units.h"

namespace heddle {

/// Rules, in cycles; the parameters of DramConfig.
struct DramTiming {
  Cycle row_cycle = 0;
  Cycle activate_to_read = 0;
  Cycle activate_to_write = 0;
  Cycle precharge = 0;
  Cycle four_activates = 0;
  Cycle read_latency = 0;
  Cycle write_latency = 0;
  Cycle read_to_precharge = 0;
  Cycle write_recovery = 0;
  Cycle write_to_read = 0;
  Cycle read_to_write = 0;
  Cycle refresh = 0;
  Cycle refresh_interval = 0;
  Cycle burst = 0;  ///< data of one column command

  Cycle row_active() const { return row_cycle - precharge; }  ///< tRAS
};

enum class DramCommand : std::uint8_t { activate, precharge, read, write, precharge_all, refresh };

/// Sees every command of a channel, in the order of their cycles; commands of a refresh when the
/// channel catches up.
class DramProbe {
 public:
  virtual ~DramProbe() = default;
  virtual void issued(DramCommand command, unsigned bank, std::uint32_t row, Cycle data_cycles,
                      Cycle at) = 0;
};

inline constexpr std::uint32_t no_row = ~std::uint32_t{0};

class DramChannel {
 public:
  DramChannel(const DramTiming& timing, unsigned banks, Cycle first_refresh);

  /// The row that a bank has open, or no_row.
  std::uint32_t open_row(unsigned bank) const { return banks_[bank].row; }

  /// First cycle in which a closed bank may be activated.
  Cycle earliest_activate(unsigned bank) const;
  /// First cycle in which an open bank may be closed.
  Cycle earliest_precharge(unsigned bank) const;
  /// First cycle in which a column access of the open row may begin.
  Cycle earliest_column(unsigned bank, bool write) const;

  void activate(unsigned bank, std::uint32_t row, Cycle now);
  void precharge(unsigned bank, Cycle now);
  /// An access of `data_cycles`. Returns the cycle after its last data.
  Cycle column(unsigned bank, bool write, Cycle data_cycles, Cycle now);

  /// Next cycle from which on nothing but a refresh may be issued.
  Cycle refresh_due() const { return refresh_due_; }
  /// All refreshes that were due until `now`. To be called before any other use of the channel in
  /// cycle `now`.
  void refresh_until(Cycle now);

  /// Those that have fallen due until `now`.
  std::uint64_t refreshes(Cycle now) const {
    return refreshes_ +
           (now < refresh_due_ ? 0 : (now - refresh_due_) / timing_.refresh_interval + 1);
  }
  void attach(DramProbe* probe) { probe_ = probe; }

 private:
  struct Bank {
    std::uint32_t row = no_row;
    Cycle activate_from = 0;
    Cycle precharge_from = 0;
    Cycle read_from = 0;
    Cycle write_from = 0;
  };

  void refresh_once();
  void close(Bank& bank, Cycle now) const;
  void note(DramCommand command, unsigned bank, std::uint32_t row, Cycle data_cycles, Cycle at) {
    if (probe_ != nullptr) probe_->issued(command, bank, row, data_cycles, at);
  }

  DramTiming timing_;
  std::vector<Bank> banks_;
  std::array<Cycle, 4> activate_again_{};  ///< from when a fifth activation may follow the oldest
  unsigned oldest_activate_ = 0;
  Cycle row_bus_from_ = 0;
  Cycle column_bus_from_ = 0;
  Cycle read_data_from_ = 0;   ///< first cycle that read data may use
  Cycle write_data_from_ = 0;  ///< first cycle that write data may use
  Cycle read_from_ = 0;        ///< of any bank, after a write
  Cycle refresh_due_;
  std::uint64_t refreshes_ = 0;
  DramProbe* probe_ = nullptr;
};

}  // namespace heddle
