#include "parts/dram_timing.h"

#include <algorithm>

#include "kernel/error.h"

namespace heddle {

namespace {

void require(bool legal, const char* sentence) {
  if (!legal) throw CheckFailure(sentence);
}

/// The first cycle from which `latency` leads to `data_from` or later.
Cycle command_for(Cycle data_from, Cycle latency) {
  return data_from > latency ? data_from - latency : 0;
}

}  // namespace

DramChannel::DramChannel(const DramTiming& timing, unsigned banks, Cycle first_refresh)
    : timing_(timing), banks_(banks), refresh_due_(first_refresh) {}

Cycle DramChannel::earliest_activate(unsigned bank) const {
  return std::max({banks_[bank].activate_from, activate_again_[oldest_activate_], row_bus_from_});
}

Cycle DramChannel::earliest_precharge(unsigned bank) const {
  return std::max(banks_[bank].precharge_from, row_bus_from_);
}

Cycle DramChannel::earliest_column(unsigned bank, bool write) const {
  if (write) {
    return std::max({banks_[bank].write_from, column_bus_from_,
                     command_for(write_data_from_, timing_.write_latency)});
  }
  return std::max({banks_[bank].read_from, read_from_, column_bus_from_,
                   command_for(read_data_from_, timing_.read_latency)});
}

void DramChannel::activate(unsigned bank, std::uint32_t row, Cycle now) {
  Bank& b = banks_[bank];
  require(b.row == no_row && now >= earliest_activate(bank), "an activation before its time");
  b.row = row;
  b.activate_from = now + timing_.row_cycle;
  b.precharge_from = now + timing_.row_active();
  b.read_from = now + timing_.activate_to_read;
  b.write_from = now + timing_.activate_to_write;
  activate_again_[oldest_activate_] = now + timing_.four_activates;
  oldest_activate_ = (oldest_activate_ + 1) % 4;
  row_bus_from_ = now + 1;
  note(DramCommand::activate, bank, row, 0, now);
}

void DramChannel::close(Bank& bank, Cycle now) const {
  bank.row = no_row;
  bank.activate_from = std::max(bank.activate_from, now + timing_.precharge);
}

void DramChannel::precharge(unsigned bank, Cycle now) {
  require(open_row(bank) != no_row && now >= earliest_precharge(bank),
          "a precharge before its time");
  close(banks_[bank], now);
  row_bus_from_ = now + 1;
  note(DramCommand::precharge, bank, no_row, 0, now);
}

Cycle DramChannel::column(unsigned bank, bool write, Cycle data_cycles, Cycle now) {
  Bank& b = banks_[bank];
  require(b.row != no_row && now >= earliest_column(bank, write),
          "a column access before its time");
  const Cycle end = now + (write ? timing_.write_latency : timing_.read_latency) + data_cycles;
  column_bus_from_ = now + data_cycles;
  if (write) {
    b.precharge_from = std::max(b.precharge_from, end + timing_.write_recovery);
    read_from_ = end + timing_.write_to_read;
    read_data_from_ = end;
    write_data_from_ = end;
  } else {
    const Cycle last_command = now + data_cycles - std::min(data_cycles, timing_.burst);
    b.precharge_from = std::max(b.precharge_from, last_command + timing_.read_to_precharge);
    read_data_from_ = end;
    write_data_from_ = end + timing_.read_to_write;
  }
  note(write ? DramCommand::write : DramCommand::read, bank, b.row, data_cycles, now);
  return end;
}

void DramChannel::refresh_until(Cycle now) {
  while (refresh_due_ <= now) refresh_once();
}

void DramChannel::refresh_once() {
  Cycle closing = std::max(refresh_due_, row_bus_from_);
  bool any_open = false;
  for (const Bank& bank : banks_) {
    if (bank.row == no_row) continue;
    any_open = true;
    closing = std::max(closing, bank.precharge_from);
  }
  Cycle begin = closing;
  for (Bank& bank : banks_) {
    if (bank.row != no_row) close(bank, closing);
    begin = std::max(begin, bank.activate_from);
  }
  for (Bank& bank : banks_) bank.activate_from = begin + timing_.refresh;
  row_bus_from_ = begin + 1;
  if (any_open) note(DramCommand::precharge_all, 0, no_row, 0, closing);
  note(DramCommand::refresh, 0, no_row, 0, begin);
  refresh_due_ += timing_.refresh_interval;
  ++refreshes_;
}

}  // namespace heddle
