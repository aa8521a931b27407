// A set of small numbers (ports, queues, groups) with a summary level, so that finding a member
// costs the same in a set of ten and in a sparse set of ten thousand.
#pragma once

#include <cstdint>
#include <vector>

namespace heddle {

class BitMask {
 public:
  explicit BitMask(unsigned size = 0)
      : size_(size), words_((size + 63) / 64), summary_((words_.size() + 63) / 64) {}

  unsigned size() const { return size_; }

  /// Makes room for more members; never shrinks.
  void resize(unsigned size) {
    size_ = size;
    words_.resize((size + 63) / 64);
    summary_.resize((words_.size() + 63) / 64);
  }

  bool test(unsigned i) const { return (words_[i >> 6] >> (i & 63) & 1) != 0; }

  void set(unsigned i) {
    words_[i >> 6] |= bit(i);
    summary_[i >> 12] |= bit(i >> 6);
  }

  void clear(unsigned i) {
    if ((words_[i >> 6] &= ~bit(i)) == 0) summary_[i >> 12] &= ~bit(i >> 6);
  }

  void assign(unsigned i, bool value) { value ? set(i) : clear(i); }

  void set_all() {
    for (unsigned i = 0; i < size_; ++i) set(i);
  }

  bool any() const {
    for (const std::uint64_t word : summary_) {
      if (word != 0) return true;
    }
    return false;
  }

  unsigned count() const {
    unsigned total = 0;
    for (const std::uint64_t word : words_) {
      total += static_cast<unsigned>(__builtin_popcountll(word));
    }
    return total;
  }

  /// First member at or after `start`; size() when there is none.
  unsigned next(unsigned start) const {
    if (start >= size_) return size_;
    std::size_t word = start >> 6;
    const std::uint64_t here = words_[word] & (~std::uint64_t{0} << (start & 63));
    if (here != 0) return index(word, here);
    ++word;
    if (word >= words_.size()) return size_;
    std::size_t group = word >> 6;
    std::uint64_t live = summary_[group] & (~std::uint64_t{0} << (word & 63));
    while (live == 0) {
      if (++group == summary_.size()) return size_;
      live = summary_[group];
    }
    word = group * 64 + static_cast<unsigned>(__builtin_ctzll(live));
    return index(word, words_[word]);
  }

  /// First member at or after `start`, going round; size() when the set is empty. This is the
  /// choice of a round-robin arbiter whose pointer stands at `start`.
  unsigned next_round(unsigned start) const {
    const unsigned found = next(start);
    return found < size_ ? found : next(0);
  }

  /// Calls f(i) for every member in ascending order; f may clear i, and must not add members.
  template <class F>
  void for_each(F&& f) const {
    for (unsigned i = next(0); i < size_; i = next(i + 1)) f(i);
  }

  /// Takes members below `end`, from `begin` up, one by one out of the set: f(i).
  template <class F>
  void take(unsigned begin, unsigned end, F&& f) {
    for (unsigned i = next(begin); i < end; i = next(i + 1)) {
      clear(i);
      f(i);
    }
  }

 private:
  static std::uint64_t bit(unsigned i) { return std::uint64_t{1} << (i & 63); }
  static unsigned index(std::size_t word, std::uint64_t bits) {
    return static_cast<unsigned>(word * 64) + static_cast<unsigned>(__builtin_ctzll(bits));
  }

  unsigned size_;
  std::vector<std::uint64_t> words_;
  std::vector<std::uint64_t> summary_;
};

}  // namespace heddle
