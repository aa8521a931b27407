// The memory of a chip without cores: its stacks, behind one socket.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "accelerator/accelerator_config.h"
#include "accelerator/hbm.h"
#include "accelerator/interleave.h"

namespace heddle {

class ChipMemory {
 public:
  ChipMemory(const std::string& name, Clock& clock, const ChipMemoryConfig& config,
             Contents contents)
      : interleave_(fmt::format("{}_interleave", name).c_str(),
                    static_cast<unsigned>(config.stacks), config.interleave.value) {
    for (unsigned stack = 0; stack < config.stacks; ++stack) {
      stacks_.push_back(std::make_unique<Hbm>(fmt::format("{}_hbm{}", name, stack).c_str(), clock,
                                              config.stack, contents));
      interleave_.stack(stack).bind(stacks_.back()->socket);
    }
  }

  auto& socket() { return interleave_.socket; }
  const std::vector<std::unique_ptr<Hbm>>& stacks() const { return stacks_; }

 private:
  Interleave interleave_;
  std::vector<std::unique_ptr<Hbm>> stacks_;
};

}  // namespace heddle
