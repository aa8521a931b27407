// The documents say what the program does: the README's table and those of the findings are the
// program's output, the tables of parameters and registers are what the declarations say, and the
// tests and files that pages name exist.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
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

TEST(Documents, GeneratedPartsAreFresh) {
  const std::string command =
      std::string(HEDDLE_SOURCE_DIR) + "/scripts/docs --check --heddle " + HEDDLE_BINARY;
  EXPECT_EQ(output_of(command), "") << "update the pages: scripts/docs";
}

std::vector<std::string> pages() {
  std::vector<std::string> names;
  const std::filesystem::path root(HEDDLE_SOURCE_DIR);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") {
      names.push_back(std::filesystem::relative(entry.path(), root).string());
    }
  }
  return names;
}

TEST(Documents, EveryTableHasOnePlace) {
  std::string text;
  for (const std::string& page : pages()) text += read(page);
  unsigned tables = 0;
  for (const char* what : {" explain --markdown", " explain --registers"}) {
    const std::string all = "\n" + output_of(std::string(HEDDLE_BINARY) + what);
    for (std::size_t at = 0; at != std::string::npos; ++tables) {
      const std::size_t next = all.find("\n### ", at + 1);
      const std::string table = all.substr(at + 1, next - at - 1);
      at = next;
      const std::string title = table.substr(0, table.find('\n'));
      const std::size_t place = text.find(table);
      EXPECT_NE(place, std::string::npos) << title << " is in no page";
      EXPECT_EQ(text.find(table, place + 1), std::string::npos) << title << " is there twice";
    }
  }
  EXPECT_GT(tables, 20U);
}

/// Every line of the tests' sources that declares one, as "Suite.Test".
std::set<std::string> declared_tests() {
  std::set<std::string> tests;
  const std::regex declaration(R"(TEST(_F|_P)?\((\w+),\s*(\w+)\))");
  const std::string folder = std::string(HEDDLE_SOURCE_DIR) + "/testbenches";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".cpp") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    for (std::sregex_iterator test(text.begin(), text.end(), declaration), end; test != end;
         ++test) {
      tests.insert((*test)[2].str() + "." + (*test)[3].str());
    }
  }
  return tests;
}

TEST(Documents, TestsThatPagesNameExist) {
  const std::set<std::string> tests = declared_tests();
  const std::regex name(R"(`(unit|oracle|laws|systemc)\.(\w+\.\w+)`)");
  unsigned named = 0;
  for (const std::string& page : pages()) {
    const std::string text = read(page);
    for (std::sregex_iterator found(text.begin(), text.end(), name), end; found != end; ++found) {
      EXPECT_EQ(tests.count((*found)[2].str()), 1U) << page << ": " << (*found)[0].str();
      ++named;
    }
  }
  EXPECT_GT(named, 50U);
}

TEST(Documents, LinksOfPagesLeadSomewhere) {
  const std::regex link(R"(\]\(([\w/-]*[./][\w./-]*)(#[\w-]*)?\))");
  std::vector<std::string> all = pages();
  all.push_back("README.md");
  for (const std::string& page : all) {
    const std::string text = read(page);
    const auto folder = (std::filesystem::path(HEDDLE_SOURCE_DIR) / page).parent_path();
    for (std::sregex_iterator found(text.begin(), text.end(), link), end; found != end; ++found) {
      EXPECT_TRUE(std::filesystem::exists(folder / (*found)[1].str()))
          << page << ": " << (*found)[1].str();
    }
  }
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
