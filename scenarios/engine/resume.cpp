#include "engine/resume.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "engine/exit_code.h"
#include "engine/input_file.h"
#include "engine/loader.h"
#include "engine/result_file.h"
#include "kernel/error.h"
#include "kernel/text_hash.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string content_of(const fs::path& file) {
  std::ifstream input = open_input(file);
  std::string text{std::istreambuf_iterator<char>(input), {}};
  if (input.bad()) reject_unreadable(file);
  return text;
}

std::string hexadecimal(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

/// As it stands in the file. Throws Json::exception where the file is not as heddle writes it.
ChildProcess::End end_of(const Json& document, const std::string& variant) {
  ChildProcess::End end{std::nullopt, exit_done, ""};
  if (const auto& failures = document.at("failures"); failures.contains(variant)) {
    end.exit_code = failures.at(variant).at("exit_code").get<int>();
    end.explanation = failures.at(variant).at("explanation").get<std::string>();
  }
  end.outcome = RunOutcome{static_cast<RunStatus>(end.exit_code), end.explanation,
                           document.at("variants").at(variant)};
  return end;
}

}  // namespace

std::string scenario_fingerprint(const Scenario& scenario) {
  Json parameters = parameters_of(scenario);
  parameters.erase("name");
  std::string text = version + parameters.dump();
  for (const WorkloadConfig& workload : scenario.workload) {
    if (workload.file.empty()) continue;
    text += hexadecimal(text_hash(content_of(fs::path(scenario.directory) / workload.file)));
  }
  return hexadecimal(text_hash(text));
}

std::string results_fingerprint(const ChildProcess::End& end) {
  Json results = end.outcome->results;
  if (results.contains("run")) {
    results["run"].erase("wall_s");
    results["run"].erase("ns_per_frame_hop");
  }
  return hexadecimal(
      text_hash(fmt::format("{} {} {}", results.dump(), end.exit_code, end.explanation)));
}

EarlierResults::EarlierResults(const fs::path& file) : file_(file.string()) {
  std::error_code error;
  if (!fs::exists(file, error)) return;
  document_ = Json::parse(content_of(file), nullptr, /*allow_exceptions=*/false);
  for (const char* key : {"variants", "failures", "fingerprints"}) {
    if (document_.is_object() && document_.contains(key) && document_[key].is_object()) continue;
    document_ = Json();
    damage_ = fmt::format(
        "{}: is damaged, or not by heddle {}; nothing of it is kept, all variants run again", file_,
        version);
    return;
  }
}

EarlierResults::Finding EarlierResults::find(const std::string& variant,
                                             const std::string& scenario_fingerprint) const {
  if (document_.is_null() || !document_["variants"].contains(variant)) return {};
  try {
    const Json& written = document_.at("fingerprints").at(variant);
    if (written.at("scenario").get<std::string>() != scenario_fingerprint) {
      return {std::nullopt, "", true};
    }
    ChildProcess::End end = end_of(document_, variant);
    if (results_fingerprint(end) == written.at("results").get<std::string>()) {
      return {std::move(end), "", false};
    }
  } catch (const Json::exception&) {
    // Not as heddle writes it.
  }
  return {std::nullopt,
          fmt::format("{}: the results of '{}' are damaged; it runs again", file_, variant), false};
}

}  // namespace heddle
