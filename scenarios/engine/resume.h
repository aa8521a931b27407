// What `compare --resume` keeps of an earlier run into the same folder.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "engine/child_process.h"
#include "engine/scenario.h"

namespace heddle {

/// By these, 16 hexadecimal digits each, a later run knows whether results are those that it would
/// get. They stand in results.json as `fingerprints.<variant>`.
struct Fingerprints {
  std::string scenario;  ///< of all that determines the results: parameters, files, heddle
  std::string results;   ///< of the results and of how the run ended

  nlohmann::ordered_json json() const { return {{"scenario", scenario}, {"results", results}}; }
};

/// Of the parameters that apply, the seed among them, of the contents of the workload's files, and
/// of heddle's version; not of the names of scenario and variant. Throws InputError when a file of
/// the workload cannot be read.
std::string scenario_fingerprint(const Scenario& scenario);

/// Without what depends on the speed of the machine. `end` must have an outcome.
std::string results_fingerprint(const ChildProcess::End& end);

/// An earlier results.json, which may be there or not, be whole or not.
class EarlierResults {
 public:
  /// Throws InputError when there is something by that name that cannot be read as a file.
  explicit EarlierResults(const std::filesystem::path& file);

  /// Why nothing can be kept although the file is there; else empty.
  const std::string& damage() const { return damage_; }

  struct Finding {
    std::optional<ChildProcess::End> end;  ///< how the variant ended, if that can be kept
    std::string damage;                    ///< why its results cannot be trusted; else empty
    bool changed = false;                  ///< there are results, but of another scenario
  };
  /// A variant is kept when its run came to an end, the deadline or lack of progress included, and
  /// both fingerprints are right. One that failed otherwise is not.
  Finding find(const std::string& variant, const std::string& scenario_fingerprint) const;

 private:
  std::string file_;
  nlohmann::ordered_json document_;
  std::string damage_;
};

}  // namespace heddle
