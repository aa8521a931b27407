// The documents say what the program does: the README's table and those of the findings are the
// program's output, and the pages of parameters and registers are what the declarations say.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace heddle::testing {
namespace {

std::string read(const std::string& name) {
  std::ifstream file(std::string(HEDDLE_SOURCE_DIR) + "/" + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string output_of(const std::string& command) {
  std::string output;
  std::FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> part{};
  while (const std::size_t n = std::fread(part.data(), 1, part.size(), pipe)) {
    output.append(part.data(), n);
  }
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

/// Lines without trailing blanks; those that depend on the machine are left out.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    line.erase(line.find_last_not_of(' ') + 1);
    const bool of_machine = line.find("real time") != std::string::npos ||
                            line.find("per frame-hop") != std::string::npos ||
                            line.find("All figures") != std::string::npos;
    if (!line.empty() && !of_machine) lines.push_back(line);
  }
  return lines;
}

TEST(Documents, TheReadmeShowsWhatTheDemoPrints) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / "heddle_documents_test";
  const std::string command = std::string(HEDDLE_BINARY) + " compare " + HEDDLE_SOURCE_DIR +
                              "/scenarios/demo.yaml --out " + folder.string() + " 2>/dev/null";
  const std::vector<std::string> printed = lines_of(output_of(command));
  std::filesystem::remove_all(folder);
  ASSERT_GT(printed.size(), 30U);

  const std::string readme = read("README.md");
  const std::size_t begin = readme.find("```\ndemo, seed");
  ASSERT_NE(begin, std::string::npos);
  const std::size_t end = readme.find("```", begin + 4);
  EXPECT_EQ(lines_of(readme.substr(begin + 4, end - begin - 4)), printed)
      << "update the block in README.md from: scripts/demo";
}

TEST(Documents, TheParameterPageIsFresh) {
  const std::string page = read("docs/parameters.md");
  const std::string generated = output_of(std::string(HEDDLE_BINARY) + " explain --markdown");
  ASSERT_GT(generated.size(), 1000U);
  EXPECT_NE(page.find(generated), std::string::npos)
      << "regenerate the tables of docs/parameters.md: heddle explain --markdown";
}

TEST(Documents, TheRegisterPageIsFresh) {
  const std::string page = read("docs/registers.md");
  const std::string generated = output_of(std::string(HEDDLE_BINARY) + " explain --registers");
  ASSERT_GT(generated.size(), 1000U);
  EXPECT_NE(page.find(generated), std::string::npos)
      << "regenerate the tables of docs/registers.md: heddle explain --registers";
  EXPECT_NE(page.find(read("docs/examples/doorbell.cpp")), std::string::npos)
      << "docs/registers.md shows another program than docs/examples/doorbell.cpp";
}

/// Names of the tables that the page has a place for.
std::vector<std::string> tables_of_findings() {
  const std::string page = read("docs/findings.md");
  const std::string mark = "<!-- table: ";
  std::vector<std::string> names;
  for (std::size_t at = page.find(mark); at != std::string::npos; at = page.find(mark, at)) {
    at += mark.size();
    names.push_back(page.substr(at, page.find(' ', at) - at));
  }
  return names;
}

class Findings : public ::testing::TestWithParam<std::string> {};

TEST_P(Findings, ShowWhatTheirScenariosGive) {
  const std::string command = std::string(HEDDLE_SOURCE_DIR) +
                              "/scripts/findings --check --heddle " + HEDDLE_BINARY + " " +
                              GetParam();
  EXPECT_EQ(output_of(command), "") << "update docs/findings.md, text included: scripts/findings";
}

INSTANTIATE_TEST_SUITE_P(Documents, Findings, ::testing::ValuesIn(tables_of_findings()),
                         [](const auto& table) { return table.param; });

TEST(Documents, TheFindingsHaveTheirTables) { EXPECT_GE(tables_of_findings().size(), 8U); }

}  // namespace
}  // namespace heddle::testing
