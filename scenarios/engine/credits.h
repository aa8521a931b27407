// `heddle credits`: what a credit-scheduled port and its VOQs need, as vendors tabulate it.
#pragma once

#include <string>

#include "engine/calculator.h"

namespace heddle {

/// The options; what is not given comes from the device, and for rates and delays the usual ones.
struct CreditsOptions {
  OptionText device;  ///< a preset of `scheduled`
  OptionText rate;    ///< of the egress port
  OptionText delay;   ///< one way through the fabric
  OptionText cable;   ///< between leaf and element, instead of the delay
  OptionText credit;  ///< bytes of one
  OptionText leaves;  ///< that send to the port
};

/// How a VOQ asks: `slow` VOQs first ask at a reduced rate, and save less.
struct CreditThresholds {
  std::uint64_t in_flight_credits;  ///< one way
  std::uint64_t in_flight_bytes;
  std::uint64_t satisfied;   ///< an empty VOQ with this balance asks for no more
  std::uint64_t balance;     ///< most that an empty VOQ keeps
  std::uint64_t resolution;  ///< bytes per step of the balance's counter
  std::uint64_t backoff;     ///< balance at which a backlogged VOQ backs off, and comes back
  std::int64_t hungry;       ///< waiting bytes less balance at which an idle VOQ asks at full rate
};

/// The rules of the vendor's driver: OpenBCM SDK 6.5.27, src/bcm/dnx/tune/iqs_tune.c.
CreditThresholds credit_thresholds(Rate rate, Duration delay, Bytes credit, bool slow);

/// The table that the command prints. Throws InputError for bad options.
std::string credits_table(const CreditsOptions& options);

}  // namespace heddle
