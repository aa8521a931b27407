#include "engine/connection_matrix.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "kernel/error.h"
#include "kernel/rng.h"
#include "shared_inputs.h"

namespace heddle {
namespace {

constexpr std::uint32_t no_trigger = ConnectionMatrix::no_trigger;

std::filesystem::path data(const char* name) {
  return std::filesystem::path(HEDDLE_SOURCE_DIR) / "testbenches/unit/data" / name;
}

ConnectionMatrix parse(const std::string& text) {
  std::istringstream in(text);
  return parse_connection_matrix(in, "x.cm");
}

/// The sentence of the InputError that `text` causes; empty when there is none.
std::string error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(ConnectionMatrix, ReadsEveryAttribute) {
  const ConnectionMatrix matrix = read_connection_matrix(data("every_attribute.cm").string());
  EXPECT_EQ(matrix.nodes, 8U);
  EXPECT_EQ(matrix.nodes_line, 2U);
  ASSERT_EQ(matrix.connections.size(), 8U);
  ASSERT_EQ(matrix.triggers.size(), 4U);

  const auto& second = matrix.connections[1];
  EXPECT_EQ(second.source, 2);
  EXPECT_EQ(second.destination, 1);
  EXPECT_EQ(second.bytes, 2000U);
  EXPECT_EQ(second.start, 2500_ps);
  EXPECT_EQ(second.line, 7U);
  EXPECT_EQ(second.trigger, no_trigger);
  EXPECT_EQ(second.send_done_trigger, 1U);
  EXPECT_EQ(second.recv_done_trigger, 2U);

  EXPECT_EQ(matrix.connections[2].start, 2_ps) << "1.5 ps, rounded up";
  EXPECT_EQ(matrix.connections[7].start, 1000_ps) << "1e3 ps";
  EXPECT_EQ(matrix.connections[4].trigger, 2U);
  EXPECT_EQ(matrix.connections[5].trigger, 1U);
  EXPECT_EQ(matrix.connections[5].bytes, 6000U) << "attributes in another order";

  EXPECT_EQ(matrix.triggers[0].kind, TriggerKind::oneshot);
  EXPECT_EQ(matrix.triggers[1].kind, TriggerKind::multishot);
  EXPECT_EQ(matrix.triggers[2].kind, TriggerKind::barrier);
  EXPECT_EQ(matrix.triggers[2].count, 2U);
  EXPECT_EQ(matrix.triggers[2].id, 30U);
}

TEST(ConnectionMatrix, LineEndsAndSpacesDoNotMatter) {
  const ConnectionMatrix matrix = parse(
      "Nodes 4\r\nConnections 2\r\n\r\n \t \n0->1   start 0\tsize 5 \r\n2->3 start 1 size 6\r\n");
  ASSERT_EQ(matrix.connections.size(), 2U);
  EXPECT_EQ(matrix.connections[0].bytes, 5U);
  EXPECT_EQ(matrix.connections[1].bytes, 6U);
}

// Files of htsim may end without a newline; a file cut inside its last number does so too.
TEST(ConnectionMatrix, ANumberAtTheEndOfTheFileMustBeWhole) {
  const std::string head = "Nodes 4\nConnections 2\n0->1 start 0 size 2000\n1->2 start 0 size 2000";
  EXPECT_EQ(parse(head + "\n").connections[1].bytes, 2000U);
  EXPECT_EQ(parse(head).connections[1].bytes, 2000U) << "as the line before";
  EXPECT_EQ(parse(head + "5 ").connections[1].bytes, 20005U) << "the number has an end";
  EXPECT_EQ(parse(head + "\n# 7").connections[1].bytes, 2000U) << "a comment";
  for (const std::size_t lost : {1U, 2U, 3U}) {
    const std::string error = error_of(head.substr(0, head.size() - lost));
    EXPECT_EQ(error.rfind("x.cm:4: the file ends without a newline after \"2", 0), 0U) << error;
  }
}

TEST(ConnectionMatrix, TriggersMayBeDefinedBeforeTheirUse) {
  const ConnectionMatrix matrix = parse(
      "Nodes 4\nConnections 2\nTriggers 1\ntrigger oneshot id 9\n"
      "1->2 trigger 9 size 1\n0->1 start 0 size 1 recv_done_trigger 9\n");
  EXPECT_EQ(matrix.connections[0].trigger, 0U);
  EXPECT_EQ(matrix.connections[1].recv_done_trigger, 0U);
}

TEST(ConnectionMatrix, ATriggerCycleIsLegal) {
  EXPECT_EQ(read_connection_matrix(data("trigger_cycle.cm").string()).connections.size(), 3U);
}

TEST(ConnectionMatrix, ReadsTheFilesOfHtsim) {
  struct File {
    const char* name;
    std::size_t nodes, connections, triggers;
  };
  const std::vector<File> files{{"alltoall_serial_16n.cm", 16, 240, 224},
                                {"bidir.cm", 16, 2, 0},
                                {"incast_1024_100K.cm", 1024, 1023, 0},
                                {"incast_128.cm", 128, 127, 0},
                                {"incast_2to1_size4194304B.cm", 128, 2, 0},
                                {"incast_collateral_128.cm", 128, 127, 0},
                                {"one.cm", 16, 1, 0},
                                {"outcast_incast.cm", 128, 21, 0},
                                {"perm_1024n_1024c_0u_2000000b.cm", 1024, 1024, 0},
                                {"perm_128n_128c_2MB.cm", 128, 128, 0},
                                {"perm_16n_16c_2MB.cm", 16, 16, 0},
                                {"perm_32n_32c_2MB.cm", 32, 32, 0}};
  const auto folder = heddle::testing::shared_file("inputs/connection_matrices");
  HEDDLE_NEED_SHARED(folder);
  for (const File& file : files) {
    SCOPED_TRACE(file.name);
    const ConnectionMatrix matrix = read_connection_matrix((folder / file.name).string());
    EXPECT_EQ(matrix.nodes, file.nodes);
    EXPECT_EQ(matrix.connections.size(), file.connections);
    EXPECT_EQ(matrix.triggers.size(), file.triggers);
  }
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".cm") ++found;
  }
  EXPECT_EQ(found, files.size() + 1) << "a file is not tested here";
}

// This file promises 3600 connections and 3360 triggers, but holds 240 and none; htsim refuses it
// too ("Mismatch in connection count").
TEST(ConnectionMatrix, RefusesTheTornFileOfHtsim) {
  const auto path = heddle::testing::shared_file("inputs/connection_matrices/a2a.cm");
  HEDDLE_NEED_SHARED(path);
  try {
    read_connection_matrix(path.string());
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_EQ(error.what(), path.string() +
                                ":2: the header promises 3600 connections, but the file has 240 "
                                "(is it cut off?)");
  }
}

TEST(ConnectionMatrix, EveryErrorNamesItsLineAndCause) {
  const std::string head = "Nodes 4\nConnections 1\n";
  const std::string triggers = "Nodes 4\nConnections 2\nTriggers 1\n";
  const std::string fires = "0->1 id 1 start 0 size 9 send_done_trigger 1\n";
  const std::string waits = "1->2 id 2 trigger 1 size 9\n";
  const std::string oneshot = "trigger id 1 oneshot\n";
  struct Case {
    std::string text, line, part;
  };
  const std::vector<Case> cases{
      {"", "1", "holds no connections"},
      {"\n\n# nothing\n", "3", "holds no connections"},
      {"Nodes 4\nConnections 1\n", "2", "holds no connections"},
      {"0->1 start 0 size 9\n", "1", "the header `Nodes` is missing"},
      {"Nodes 4\n0->1 start 0 size 9\n", "2", "the header `Connections` is missing"},
      {"Nodes\nConnections 1\n", "1", "`Nodes` has no value"},
      {"Nodes four\n", "1", "`Nodes` must be a whole number from 2 to 65535, not \"four\""},
      {"Nodes 1\n", "1", "not \"1\""},
      {"Nodes -4\n", "1", "not \"-4\""},
      {"Nodes 65536\n", "1", "not \"65536\""},
      {"Nodes 99999999999999999999999\n", "1", "`Nodes` must be a whole number"},
      {"Nodes 4 5\n", "1", "nothing may follow the number, but \"5\" does"},
      {"Nodes 4\nNodes 4\n", "2", "`Nodes` was given before"},
      {"Nodes 4\nConnections 0\n", "2", "not \"0\""},
      {head + "0->1 start 0 size 9\nTriggers 0\n", "4", "must stand before"},
      {head + "0->1 start 0 size 9\n1->2 start 0 size 9\n", "2", "promises 1 connections"},
      {"Nodes 4\nConnections 3\n0->1 start 0 size 9\n", "2", "but the file has 1"},
      {head + "0->1 start 0 size 9\ntrigger id 1 oneshot\n", "4", "`Triggers` is missing"},
      {"Nodes 4\nConnections 1\nTriggers 2\n0->1 start 0 size 9\n" + oneshot, "3", "promises 2"},
      {head + "->1 start 0 size 9\n", "3", "the source host is missing"},
      {head + "0-> start 0 size 9\n", "3", "the destination host is missing"},
      {head + "0 -> 1 start 0 size 9\n", "3", "\"0\" starts no line"},
      {head + "a->1 start 0 size 9\n", "3", "the source host must be a whole number"},
      {head + "4->1 start 0 size 9\n", "3", "from 0 to 3, not \"4\""},
      {head + "0->70000 start 0 size 9\n", "3", "from 0 to 3, not \"70000\""},
      {head + "0->-1 start 0 size 9\n", "3", "not \"-1\""},
      {head + "0->1->2 start 0 size 9\n", "3", "not \"1->2\""},
      {head + "2->2 start 0 size 9\n", "3", "host 2 sends to itself"},
      {head + "0->1 start 0 size\n", "3", "`size` has no value"},
      {head + "0->1 start\n", "3", "`start` has no value"},
      {head + "0->1 start 0\n", "3", "no `size`"},
      {head + "0->1 size 9\n", "3", "neither `start` nor `trigger`"},
      {head + "0->1\n", "3", "no `size`"},
      {head + "0->1 start 0 size 0\n", "3", "from 1 to 1000000000000, not \"0\""},
      {head + "0->1 start 0 size -9\n", "3", "not \"-9\""},
      {head + "0->1 start 0 size 1000000000001\n", "3", "not \"1000000000001\""},
      {head + "0->1 start 0 size 9x\n", "3", "not \"9x\""},
      {head + "0->1 start 0 size 9.5\n", "3", "not \"9.5\""},
      {head + "0->1 start 0 size 0x10\n", "3", "not \"0x10\""},
      {head + "0->1 start -1 size 9\n", "3", "`start` must be a number of picoseconds"},
      {head + "0->1 start 1e99 size 9\n", "3", "not \"1e99\""},
      {head + "0->1 start nan size 9\n", "3", "not \"nan\""},
      {head + "0->1 start inf size 9\n", "3", "not \"inf\""},
      {head + "0->1 start 0 start 1 size 9\n", "3", "`start` stands twice"},
      {head + "0->1 start 0 size 9 size 9\n", "3", "`size` stands twice"},
      {head + "0->1 start 0 size 9 colour 3\n", "3", "no attribute \"colour\""},
      {head + "0->1 start 0 size 9 prio 3\n", "3", "`prio` orders the pulls"},
      {head + "0->1 id 0 start 0 size 9\n", "3", "`id` must be a whole number from 1"},
      {"Nodes 4\nConnections 2\n0->1 id 5 start 0 size 9\n1->2 id 5 start 0 size 9\n", "4",
       "`id` 5 was given before"},
      {"Failures 1\n", "1", "link failures"},
      {triggers + fires + waits + "trigger oneshot\n", "6", "the trigger has no `id`"},
      {triggers + fires + waits + "trigger id 1\n", "6", "neither oneshot, multishot nor barrier"},
      {triggers + fires + waits + "trigger id\n", "6", "`id` has no value"},
      {triggers + fires + waits + "trigger id 0 oneshot\n", "6", "not \"0\""},
      {triggers + fires + waits + "trigger id 1 oneshot barrier\n", "6", "is one of"},
      {triggers + fires + waits + "trigger id 1 barrier\n", "6", "`count` belongs to a barrier"},
      {triggers + fires + waits + "trigger id 1 oneshot count 1\n", "6", "`count` belongs"},
      {triggers + fires + waits + "trigger id 1 barrier count 0\n", "6", "not \"0\""},
      {triggers + fires + waits + "trigger id 1 once\n", "6", "no attribute \"once\""},
      {triggers + fires + waits + oneshot + oneshot, "7", "trigger 1 was defined before"},
      {triggers + fires + "1->2 trigger 3 size 9\n" + oneshot, "5", "trigger 3 is not defined"},
      {triggers + "0->1 start 0 size 9 recv_done_trigger 3\n" + waits + oneshot, "4",
       "trigger 3 is not defined"},
      {triggers + "0->1 start 0 size 9\n" + waits + oneshot, "5", "trigger 1, which nobody fires"},
      {triggers + fires + "1->2 start 0 trigger 1 size 9\n" + oneshot, "5",
       "both `start` and `trigger`"},
      {triggers + fires + waits + "trigger id 1 barrier count 2\n", "6",
       "needs 2 firings, but connections fire it 1 times"},
      {"Nodes 4\nConnections 3\nTriggers 1\n" + fires +
           "3->1 start 0 size 9 recv_done_trigger 1\n" + waits + oneshot,
       "7", "needs 1 firing, but connections fire it 2 times"},
      {"Nodes 4\nConnections 3\nTriggers 1\n" + fires + waits + "3->2 trigger 1 size 9\n" +
           "trigger id 1 multishot\n",
       "7", "2 wait for it, but it is fired 1 times"},
      {head + std::string("0->1 start 0 size \0 9\n", 22), "3", "holds the byte 0"},
      {std::string("\x7f"
                   "ELF\x02\x01",
                   6),
       "1", "no text file"},
      {"\xff\xfe\xfd\n", "1", "\"\\xff\\xfe\\xfd\" starts no line"},
      {std::string(5000, 'x') + "\n", "1", "xxx...\" starts no line"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text.substr(0, 200));
    const std::string error = error_of(c.text);
    EXPECT_EQ(error.rfind("x.cm:" + c.line + ": ", 0), 0U) << error;
    EXPECT_NE(error.find(c.part), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << "one line";
    EXPECT_LT(error.size(), 250U);
    if (error.find("promises 1 connections") != std::string::npos) {
      EXPECT_EQ(error.find("cut off"), std::string::npos) << "there are more, not fewer";
    }
  }
}

TEST(ConnectionMatrix, FixturesOfBadInput) {
  const auto error = [](const char* name) -> std::string {
    try {
      read_connection_matrix(data(name).string());
    } catch (const InputError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(error("truncated.cm").find("truncated.cm:4: `size` has no value"), std::string::npos);
  EXPECT_NE(error("missing_trigger.cm").find("missing_trigger.cm:5: trigger 2 is not defined"),
            std::string::npos);
  EXPECT_NE(error("absent.cm").find("no such file"), std::string::npos);
  EXPECT_NE(error(".").find("is a folder"), std::string::npos);
}

TEST(ConnectionMatrix, AFileWithoutReadPermissionIsAnInputError) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "heddle_unreadable.cm";
  std::ofstream(path) << "Nodes 4\n";
  std::filesystem::permissions(path, std::filesystem::perms::none);
  const bool readable = std::ifstream(path).good();  // the superuser may read everything
  std::string error;
  try {
    read_connection_matrix(path.string());
  } catch (const InputError& e) {
    error = e.what();
  }
  std::filesystem::remove(path);
  if (readable) GTEST_SKIP() << "this user may read every file";
  EXPECT_NE(error.find("cannot be read"), std::string::npos) << error;
}

TEST(ConnectionMatrix, AReadErrorIsAnInputError) {
  const std::string path = "/proc/self/mem";  // opens, but address 0 cannot be read
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "not here: " << path;
  try {
    read_connection_matrix(path);
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_EQ(error.what(), path + ":1: the file cannot be read further");
  }
}

// Seeded damage to good files: bytes flipped, removed, doubled, and the end cut off. Nothing but
// success or an InputError may come of it.
TEST(ConnectionMatrix, DamagedFilesNeverDoWorseThanAnInputError) {
  const std::vector<std::string> originals{contents(data("every_attribute.cm")),
                                           contents(data("trigger_cycle.cm"))};
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    Rng rng(static_cast<std::uint64_t>(round), "fuzz", "connection_matrix");
    std::string text = originals[rng.below(2)];
    for (std::uint32_t damage = 1 + rng.below(3); damage > 0 && !text.empty(); --damage) {
      const std::size_t at = rng.below(static_cast<std::uint32_t>(text.size()));
      switch (rng.below(5)) {
        case 0:
          text[at] = static_cast<char>(text[at] ^ (1 << rng.below(8)));
          break;
        case 1:
          text[at] = static_cast<char>('0' + rng.below(10));
          break;
        case 2:
          text.erase(at, 1 + rng.below(8));
          break;
        case 3:
          text.insert(at, text.substr(at, rng.below(40)));
          break;
        default:
          text.resize(at);
          break;
      }
    }
    try {
      parse(text);
    } catch (const InputError& error) {
      ++refused;
      EXPECT_EQ(std::string(error.what()).rfind("x.cm:", 0), 0U) << "round " << round;
    } catch (const std::exception& error) {
      FAIL() << "round " << round << ": " << error.what() << "\n" << text;
    }
  }
  EXPECT_GT(refused, 2500) << "the damage is too small to test anything";
  EXPECT_LT(refused, 5000) << "some damage, in a comment or a size, is harmless";
}

}  // namespace
}  // namespace heddle
