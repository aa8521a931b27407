#include "engine/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <new>
#include <string>
#include <vector>

#include "engine/compare.h"
#include "engine/credits.h"
#include "engine/explain.h"
#include "engine/headroom.h"
#include "engine/library.h"
#include "engine/loader.h"
#include "engine/nearest.h"
#include "engine/presets.h"
#include "engine/progress.h"
#include "engine/register_tables.h"
#include "engine/result_file.h"
#include "engine/roofline.h"
#include "engine/table.h"
#include "engine/trace_selection.h"
#include "engine/wave_worst.h"
#include "kernel/error.h"

namespace heddle {
namespace {

/// What the options of all commands say.
struct Options {
  std::string file;
  std::vector<std::string> files;
  std::vector<std::string> variants;
  std::vector<std::string> sets;
  std::string seed;
  std::vector<std::string> rtl;
  std::string out;
  std::string json;
  std::vector<std::string> keys;
  TraceRequest trace;
  TimelineRequest timeline;
  std::string what;
  std::string svg;
  HeadroomOptions headroom;
  CreditsOptions credits;
  unsigned jobs = 0;
  bool resume = false;
  bool quiet = false;
  bool markdown = false;
  bool registers = false;
  bool shuffle_devices = false;
  bool no_idle_skip = false;
};

/// To standard output, whole or with an error: results must not vanish into a full disk.
void print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || std::fflush(stdout) != 0) {
    throw InputError("standard output cannot be written");
  }
}

void complain(const std::string& sentence) {
  std::fputs(("heddle: " + sentence + '\n').c_str(), stderr);
}

/// One line, whatever stands in the names and values that the sentence quotes.
void complain(const InputError& error) {
  std::string sentence;
  for (const char c : std::string_view(error.what())) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = byte < 0x20 || byte == 0x7f;
    sentence += control ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  complain(sentence);
}

/// A word that a shell reads back as it is.
std::string quoted(const std::string& word) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_-./=:,+").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// The command that repeats one variant.
std::string reproduction(const Options& options, const std::string& variant) {
  std::string command =
      fmt::format("heddle run {} --variant {}", quoted(options.file), quoted(variant));
  for (const std::string& set : options.sets) command += " --set " + quoted(set);
  if (!options.seed.empty()) command += " --seed " + quoted(options.seed);
  for (const std::string& name : options.rtl) command += " --rtl " + quoted(name);
  if (options.shuffle_devices) command += " --shuffle-devices";
  if (options.no_idle_skip) command += " --no-idle-skip";
  return command;
}

std::string labels(const std::vector<Scenario>& scenarios) {
  std::vector<std::string> names;
  names.reserve(scenarios.size());
  for (const Scenario& scenario : scenarios) names.push_back(label_of(scenario));
  return fmt::format("{}", fmt::join(names, ", "));
}

/// What `heddle wave` needs to run it again. Names of files count from the current folder.
nlohmann::ordered_json arguments(const Options& options) {
  return {{"folder", std::filesystem::current_path().string()},
          {"file", options.file},
          {"set", options.sets},
          {"seed", options.seed},
          {"rtl", options.rtl}};
}

/// Sets the waves that the variants write. Bad requests end the program here, before anything runs.
void request_trace(const Options& options, const std::vector<Scenario>& scenarios,
                   CompareOptions& compare_options) {
  if (options.trace.globs.empty()) return;
  compare_options.trace = [&](const Scenario& scenario) {
    return select_trace(options.trace, scenario, compare_options.folder);
  };
  for (const Scenario& scenario : scenarios) compare_options.trace(scenario);
}

/// The same for timelines.
void request_timeline(const Options& options, const std::vector<Scenario>& scenarios,
                      CompareOptions& compare_options) {
  if (options.timeline.file.empty()) return;
  compare_options.timeline = [&](const Scenario& scenario) {
    return select_timeline(options.timeline, scenario, scenarios.size());
  };
  for (const Scenario& scenario : scenarios) compare_options.timeline(scenario);
}

int run_scenarios(const Options& options, const std::vector<Scenario>& scenarios) {
  CompareOptions compare_options;
  compare_options.run.shuffle_devices = options.shuffle_devices;
  compare_options.run.wake_every_cycle = options.no_idle_skip;
  compare_options.reproduce = [&](const std::string& variant) {
    return reproduction(options, variant);
  };
  compare_options.jobs = options.jobs;
  compare_options.folder = options.out.empty() ? "results/" + scenarios.front().name : options.out;
  compare_options.resume = options.resume;
  compare_options.warn = [](const std::string& sentence) { complain(sentence); };
  compare_options.quiet = options.quiet;
  compare_options.arguments = arguments(options);
  request_trace(options, scenarios, compare_options);
  request_timeline(options, scenarios, compare_options);
  prepare_folder(compare_options.folder);

  const Comparison comparison = compare(scenarios, compare_options);
  if (!options.json.empty()) {
    print(comparison.document.dump(2) + '\n');
  } else if (!options.quiet && !comparison.document.at("variants").empty()) {
    const unsigned width = std::clamp(terminal_width(STDOUT_FILENO), 80U, 120U);
    print(table(comparison.document, width));
    const std::string file = (compare_options.folder / "results.json").string();
    if (comparison.unsaved.empty()) print(fmt::format("\nAll figures: {}\n", file));
  }
  for (const Failure& failure : comparison.failures) {
    complain(fmt::format("{}: {}", failure.variant, failure.explanation));
  }
  if (!comparison.unsaved.empty()) complain(comparison.unsaved);
  return comparison.exit_code;
}

int run_command(const Options& options) {
  const std::vector<Scenario> scenarios =
      load(options.file, {options.sets, options.seed, options.variants, options.rtl});
  if (scenarios.size() > 1) {
    throw InputError(fmt::format("{}: has several variants; choose one with --variant: {}",
                                 options.file, labels(scenarios)));
  }
  return run_scenarios(options, scenarios);
}

int compare_command(const Options& options) {
  return run_scenarios(
      options, load(options.file, {options.sets, options.seed, options.variants, options.rtl}));
}

/// A bad file is no reason to leave the next one unchecked.
int validate_file(const Options& options, const std::string& file) {
  std::vector<Scenario> scenarios;
  try {
    scenarios = load(file, {options.sets, options.seed, {}, options.rtl});
  } catch (const InputError& error) {
    complain(error);
    return exit_bad_input;
  }
  if (options.quiet) return exit_done;
  print(fmt::format(
      "{}: valid; {}: {}\n", file,
      scenarios.size() == 1 ? "one variant" : fmt::format("{} variants", scenarios.size()),
      labels(scenarios)));
  return exit_done;
}

int validate_command(const Options& options) {
  int exit_code = exit_done;
  for (const std::string& file : options.files) {
    exit_code = worst(exit_code, validate_file(options, file));
  }
  return exit_code;
}

int explain_command(const Options& options) {
  if (options.registers) {
    print(explain_registers(options.keys));
  } else if (options.markdown) {
    print(explain_markdown(options.keys));
  } else {
    const unsigned width = std::clamp(terminal_width(STDOUT_FILENO), 80U, 100U);
    std::string text = options.keys.empty() ? explain_overview() : "";
    for (const std::string& key : options.keys) text += explain(key);
    print(wrapped(text, width));
  }
  return exit_done;
}

int wave_command(const Options& options) {
  const std::string variant = options.variants.empty() ? "" : options.variants.front();
  const WaveOutcome outcome = wave_worst({options.file, variant, options.out, options.quiet});
  print(outcome.story);
  return outcome.exit_code;
}

int roofline_command(const Options& options) {
  const std::string variant = options.variants.empty() ? "" : options.variants.front();
  const unsigned width = std::clamp(terminal_width(STDOUT_FILENO), 80U, 120U);
  print(draw_roofline({options.file, variant, options.svg}, width));
  return exit_done;
}

int headroom_command(const Options& options) {
  print(headroom_table(options.headroom));
  return exit_done;
}

int credits_command(const Options& options) {
  print(credits_table(options.credits));
  return exit_done;
}

int list_command(const Options&) {
  print(list_library() + "\nPresets (heddle explain NAME):\n" + list_presets());
  return exit_done;
}

void add_headroom_options(CLI::App& command, HeadroomOptions& options) {
  command.add_option("--device", options.device, "Preset of 'adaptive'; default sn4700")
      ->type_name("PRESET");
  command.add_option("--rate", options.rate, "Rate of the link; default the usual ones")
      ->type_name("RATE");
  command.add_option("--cable", options.cable, "Its length, as in '40 m'; default 5, 40, 300 m")
      ->type_name("LENGTH");
  command.add_option("--latency", options.latency, "Instead of the length: time one way")
      ->type_name("DURATION");
  command.add_option("--pipeline", options.pipeline, "Bytes in the device's pipeline: xon")
      ->type_name("SIZE");
  command.add_option("--cell", options.cell, "Unit of its memory; default that of the device")
      ->type_name("SIZE");
  command
      .add_option("--peer", options.peer,
                  "What the peer still sends after it got the pause: a size, or 'quanta' for what "
                  "IEEE 802.3 allows; default as in the device's table")
      ->type_name("SIZE|quanta");
}

void add_credits_options(CLI::App& command, CreditsOptions& options) {
  command.add_option("--device", options.device, "Preset of 'scheduled'; default jericho2c_plus")
      ->type_name("PRESET");
  command.add_option("--rate", options.rate, "Rate of the egress port; default the usual ones")
      ->type_name("RATE");
  command
      .add_option("--delay", options.delay,
                  "One way through the fabric; default inside a device, mesh, fabric elements")
      ->type_name("DURATION");
  command
      .add_option("--cable", options.cable,
                  "Instead of the delay: cable between leaf and element, as in '40 m'")
      ->type_name("LENGTH");
  command.add_option("--credit", options.credit, "Bytes of a credit; default that of the device")
      ->type_name("SIZE");
  command.add_option("--leaves", options.leaves, "Leaves that send to the port")->type_name("N");
}

void add_roofline_options(CLI::App& command, Options& options) {
  command.add_option("results", options.file, "A results.json, or its folder")->required();
  command.add_option("--variant", options.variants, "The variant; needed where there are several")
      ->type_name("NAME")
      ->expected(1);
  command.add_option("--svg", options.svg, "Draws it into this file as well")->type_name("FILE");
}

void add_wave_options(CLI::App& command, Options& options) {
  command.add_option("what", options.what, "'worst': the slowest packet, stage by stage")
      ->required()
      ->check([](const std::string& what) {
        return what == "worst" ? "" : fmt::format("'{}' is not 'worst'", what);
      });
  command.add_option("results", options.file, "results.json of a finished run, or its folder")
      ->required();
  command.add_option("--variant", options.variants, "The variant; needed where there are several")
      ->type_name("NAME")
      ->expected(1);
  command.add_option("--out", options.out, "Folder of the waves; default that of the results")
      ->type_name("DIR");
  command.add_flag("--quiet", options.quiet, "Shows no progress");
}

void add_trace_options(CLI::App& command, TraceRequest& request) {
  CLI::Option* const trace =
      command
          .add_option("--trace", request.globs,
                      "Writes waves of devices and links with such names: --trace 'leaf0*'")
          ->type_name("GLOB")
          ->allow_extra_args(false);
  command
      .add_option("--trace-window", request.window,
                  "The time of the waves, as in '2 us..5 us'; default the whole run")
      ->type_name("A..B")
      ->needs(trace);
}

void add_timeline_options(CLI::App& command, TimelineRequest& request) {
  CLI::Option* const timeline =
      command
          .add_option("--timeline", request.file,
                      "Writes what the engines of the first chip do, for Perfetto or "
                      "chrome://tracing")
          ->type_name("FILE");
  command
      .add_option("--timeline-window", request.window,
                  "The time of the timeline, as in '2 us..5 us'; default the whole run")
      ->type_name("A..B")
      ->needs(timeline);
}

void add_set(CLI::App& command, Options& options) {
  command.add_option("--set", options.sets, "Overrides a key of the file: --set nic.mtu='1 KiB'")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--seed", options.seed, "Overrides the seed of the file")->type_name("N");
  command
      .add_option(
          "--rtl", options.rtl,
          "Runs switches or routers with such names as Verilated SystemVerilog: --rtl leaf0 --rtl "
          "'spine*'")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  command.add_flag("--quiet", options.quiet, "Prints nothing but errors");
}

/// `variant` is the sentence about --variant, in which the commands differ.
void add_run_options(CLI::App& command, Options& options, const char* variant) {
  command.add_option("file", options.file, "Scenario file (YAML)")->required();
  command.add_option("--variant", options.variants, variant)
      ->type_name("NAME")
      ->allow_extra_args(false);
  add_set(command, options);
  command.add_option("--out", options.out, "Folder of results.json; default results/<name>")
      ->type_name("DIR")
      ->check([](const std::string& folder) { return folder.empty() ? "names no folder" : ""; });
  command.add_option("--json", options.json, "'--json -' prints results.json instead of a table")
      ->type_name("-")
      ->check([](const std::string& where) {
        return where == "-" ? "" : fmt::format("'{}' is not '-', standard output", where);
      });
  command.add_option("--jobs", options.jobs, "Variants at once; default one per hardware thread")
      ->type_name("N")
      ->check(CLI::Range(1U, 1024U));
  add_trace_options(command, options.trace);
  add_timeline_options(command, options.timeline);
  command.add_flag("--shuffle-devices", options.shuffle_devices,
                   "Checks the simulator: devices of a cycle run in random order");
  command.add_flag("--no-idle-skip", options.no_idle_skip,
                   "Checks the simulator: every device runs in every cycle");
}

/// Waves would be missing of the variants that do not run.
void add_resume_option(CLI::App& command, Options& options) {
  command
      .add_flag("--resume", options.resume,
                "Keeps what the folder of the results has of variants that an earlier run of this "
                "scenario and this heddle has finished, and runs the others")
      ->excludes(command.get_option("--trace"))
      ->excludes(command.get_option("--timeline"));
}

/// The commands with their options, and which function each calls.
class Program {
 public:
  Program() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", std::string("heddle ") + version);
    CLI::App& run = add("run", "Runs one variant of a scenario", run_command);
    add_run_options(run, options_, "The variant to run; needed where the file has several");
    run.get_option("--variant")->expected(1);
    CLI::App& compare =
        add("compare", "Runs all variants and prints them as one table", compare_command);
    add_run_options(compare, options_, "Runs this variant only; may be repeated");
    add_resume_option(compare, options_);
    CLI::App& validate =
        add("validate", "Checks scenario files without running them", validate_command);
    validate.add_option("file", options_.files, "Scenario files (YAML)")->required();
    add_set(validate, options_);
    add("list", "Lists the scenario library and the presets", list_command);
    CLI::App& explain =
        add("explain", "Says what a parameter, preset or statistic means", explain_command);
    explain.add_option("key", options_.keys, "Such as nic.receive or latency_ns.p99");
    explain.add_flag("--registers", options_.registers,
                     "Prints the registers of all devices, or of those named, as Markdown tables");
    explain.add_flag("--markdown", options_.markdown,
                     "Prints all of them, or of the sections named, as Markdown tables");
    add_roofline_options(
        add("roofline", "Shows the kernels of a finished run against the roofs of its chips",
            roofline_command),
        options_);
    add_wave_options(add("wave", "Runs again and shows where time went", wave_command), options_);
    add_headroom_options(
        add("headroom", "Calculates the buffer that priority flow control needs", headroom_command),
        options_.headroom);
    add_credits_options(add("credits", "Calculates the credits and thresholds of a scheduled port",
                            credits_command),
                        options_.credits);
  }

  int execute(int argc, const char* const* argv) {
    if (argc > 1 && argv[1][0] != '-') require_command(argv[1]);
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      // --help and --version arrive here as well.
      if (error.get_exit_code() == 0) return app_.exit(error);
      throw InputError(sentence(error, argc, argv));
    }
    for (const auto& [command, action] : commands_) {
      if (command->parsed()) return action(options_);
    }
    return exit_bad_input;
  }

 private:
  using Action = int (*)(const Options&);

  CLI::App& add(const std::string& name, const std::string& what, Action action) {
    CLI::App* command = app_.add_subcommand(name, what);
    commands_.emplace_back(command, action);
    return *command;
  }

  void require_command(const std::string& word) const {
    std::vector<std::string> names;
    for (const auto& [command, action] : commands_) names.push_back(command->get_name());
    if (std::find(names.begin(), names.end(), word) == names.end()) {
      throw InputError(fmt::format("unknown command '{}'{}", word, suggestion(word, names)));
    }
  }

  /// For an unknown option the nearest one; else what CLI11 says, on one line and in English.
  std::string sentence(const CLI::ParseError& error, int argc, const char* const* argv) const {
    std::vector<std::string> names;
    for (const auto& [command, action] : commands_) {
      if (!command->parsed()) continue;
      for (const CLI::Option* option : command->get_options()) {
        if (option->nonpositional()) names.push_back(option->get_name());
      }
    }
    const auto* const extras = dynamic_cast<const CLI::ExtrasError*>(&error);
    for (int i = 1; i < argc && extras != nullptr && !names.empty(); ++i) {
      const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
      if (word.size() < 2 || word.front() != '-') continue;
      if (std::find(names.begin(), names.end(), word) == names.end()) {
        return fmt::format("unknown option '{}'{}", word, suggestion(word, names));
      }
    }
    std::string text = error.what();
    std::replace(text.begin(), text.end(), '\n', ' ');
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
      const bool missing = text.find(" missing") != std::string::npos;
      text = text.substr(0, text.find(':')) + (missing ? " needs a value" : " may stand only once");
    }
    return text + "; see --help";
  }

  CLI::App app_{"Cycle-accurate comparison of AI fabrics", "heddle"};
  Options options_;
  std::vector<std::pair<CLI::App*, Action>> commands_;
};

}  // namespace

int command_line(int argc, const char* const* argv) {
  try {
    return Program().execute(argc, argv);
  } catch (const InputError& error) {
    complain(error);
    return exit_bad_input;
  } catch (const CheckFailure& error) {
    complain(error.what());
    return exit_check_failed;
  } catch (const std::bad_alloc&) {
    complain("not enough memory");
    return exit_bad_input;
  } catch (const std::exception& error) {
    complain(std::string("unexpected error: ") + error.what());
    return exit_check_failed;
  }
}

}  // namespace heddle
