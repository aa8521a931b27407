// A set of small numbers (ports, queues, groups) with a summary level, so that finding a member
// costs the same in a set of ten and in a sparse set of ten thousand.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace heddle {

class BitMask {
 public:
  explicit BitMask(unsigned size = 0) { resize(size); }
  BitMask(const BitMask& other) { *this = other; }
  BitMask& operator=(const BitMask& other) {
    if (this == &other) return *this;
    size_ = other.size_;
    groups_ = other.groups_;
    words_ = other.words_;
    few_ = other.few_;
    many_ = other.many_;
    find_bits();
    return *this;
  }
  ~BitMask() = default;

  unsigned size() const { return size_; }

  /// Makes room for `size` members and keeps those there are; never shrinks.
  void resize(unsigned size) {
    if (size <= size_) return;
    const BitMask old = *this;
    size_ = size;
    groups_ = (size + 4095) / 4096;
    words_ = groups_ + (size + 63) / 64;
    few_.fill(0);
    many_.assign(words_ > few_.size() ? words_ : 0, 0);
    find_bits();
    for (unsigned i = old.next(0); i < old.size_; i = old.next(i + 1)) set(i);
  }

  bool test(unsigned i) const { return (word(i >> 6) >> (i & 63) & 1) != 0; }

  void set(unsigned i) {
    word(i >> 6) |= bit(i);
    bits_[i >> 12] |= bit(i >> 6);
  }

  void clear(unsigned i) {
    if ((word(i >> 6) &= ~bit(i)) == 0) bits_[i >> 12] &= ~bit(i >> 6);
  }

  void assign(unsigned i, bool value) { value ? set(i) : clear(i); }

  void set_all() {
    for (unsigned i = 0; i < size_; ++i) set(i);
  }

  bool any() const {
    for (unsigned group = 0; group < groups_; ++group) {
      if (bits_[group] != 0) return true;
    }
    return false;
  }

  /// Whether there is a member in [begin, end).
  bool any(unsigned begin, unsigned end) const {
    for (unsigned w = begin >> 6; w < (end + 63) >> 6; ++w) {
      if ((word(w) & part(w, begin, end)) != 0) return true;
    }
    return false;
  }

  unsigned count() const {
    unsigned total = 0;
    for (unsigned i = groups_; i < words_; ++i) {
      total += static_cast<unsigned>(__builtin_popcountll(bits_[i]));
    }
    return total;
  }

  /// First member at or after `start`; size() when there is none.
  unsigned next(unsigned start) const {
    if (start >= size_) return size_;
    const unsigned first = start >> 6;
    const std::uint64_t here = word(first) & (~std::uint64_t{0} << (start & 63));
    if (here != 0) return first * 64 + lowest(here);
    unsigned group = (first + 1) >> 6;
    if (group >= groups_) return size_;
    std::uint64_t live = bits_[group] & (~std::uint64_t{0} << ((first + 1) & 63));
    while (live == 0) {
      if (++group == groups_) return size_;
      live = bits_[group];
    }
    const unsigned found = group * 64 + lowest(live);
    return found * 64 + lowest(word(found));
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
    for (unsigned group = 0; group < groups_; ++group) {
      for (std::uint64_t words = bits_[group]; words != 0; words &= words - 1) {
        const unsigned w = group * 64 + lowest(words);
        for (std::uint64_t live = word(w); live != 0; live &= live - 1) f(w * 64 + lowest(live));
      }
    }
  }

  /// Takes the members in [begin, end) one by one out of the set, ascending: f(i). Members that f
  /// adds behind i are taken as well, others stay.
  template <class F>
  void take(unsigned begin, unsigned end, F&& f) {
    for (unsigned w = begin >> 6; w < (end + 63) >> 6; ++w) {
      std::uint64_t range = part(w, begin, end);
      while (const std::uint64_t live = word(w) & range) {
        const unsigned i = w * 64 + lowest(live);
        range &= ~std::uint64_t{0} << (i & 63) << 1;  // f may add i or less: not now
        clear(i);
        f(i);
      }
    }
  }

 private:
  static std::uint64_t bit(unsigned i) { return std::uint64_t{1} << (i & 63); }
  static unsigned lowest(std::uint64_t word) {
    return static_cast<unsigned>(__builtin_ctzll(word));
  }
  /// The members of word w that are in [begin, end).
  static std::uint64_t part(unsigned w, unsigned begin, unsigned end) {
    std::uint64_t range = ~std::uint64_t{0};
    if (w == begin >> 6) range &= ~std::uint64_t{0} << (begin & 63);
    if (w == end >> 6) range &= ~(~std::uint64_t{0} << (end & 63));
    return range;
  }
  void find_bits() {
    bits_ = words_ <= few_.size() ? few_.data() : many_.data();
    members_ = bits_ + groups_;
  }
  std::uint64_t& word(unsigned i) { return members_[i]; }
  const std::uint64_t& word(unsigned i) const { return members_[i]; }

  unsigned size_ = 0;
  unsigned groups_ = 0;                 // words of summary, in front of the words proper
  unsigned words_ = 0;                  // summary included
  std::uint64_t* bits_ = nullptr;       // few_ or many_
  std::uint64_t* members_ = nullptr;    // there, behind the summary
  std::array<std::uint64_t, 5> few_{};  // up to 256 members live in the object itself
  std::vector<std::uint64_t> many_;
};

}  // namespace heddle
