// Typing errors: which valid name was meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heddle {

/// The candidate within a few typing errors of `word` (Damerau-Levenshtein distance, at most a
/// third of its length, but at least two); empty when there is none.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// The end of a message about an unknown word: "; did you mean 'x'?", or the valid words.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace heddle
