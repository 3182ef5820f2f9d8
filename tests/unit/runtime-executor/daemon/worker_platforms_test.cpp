#include "runtime-executor/daemon/worker_platforms.h"

#include <elf.h>

#include <cstring>

#include <gtest/gtest.h>

#include "base/file_system.h"
#include "base/process.h"

namespace loam::daemon {
namespace {

TEST(WorkerPlatforms, ProgramsAreWholeElfFiles) {
  for (const char* const architecture :
       {"amd64", "arm64", "riscv64", "ppc64le", "s390x", "386", "mips64le", "mips64", "loong64", "arm"}) {
    const std::string program = TrivialProgram(architecture);
    ASSERT_GT(program.size(), sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr)) << architecture;
    EXPECT_EQ(program.substr(0, 4), ELFMAG);
    if (program[EI_CLASS] == ELFCLASS64 && program[EI_DATA] == ELFDATA2LSB) {
      Elf64_Ehdr header{};
      std::memcpy(&header, program.data(), sizeof(header));
      Elf64_Phdr segment{};
      std::memcpy(&segment, program.data() + header.e_phoff, sizeof(segment));
      EXPECT_EQ(segment.p_filesz, program.size()) << architecture;
      EXPECT_EQ(header.e_entry, segment.p_vaddr + sizeof(header) + sizeof(segment)) << architecture;
    }
  }
  EXPECT_EQ(TrivialProgram("vax"), "");
}

TEST(WorkerPlatforms, TheMachinesOwnProgramRunsAndComesFirst) {
  const auto scratch = TempDir::Create();
  ASSERT_TRUE(scratch);
  const std::string path = scratch->Child("program");
  ASSERT_TRUE(WriteFileAtomic(path, TrivialProgram(HostPlatform().architecture), 0700));
  auto process = Process::Spawn({.args = {path}});
  ASSERT_TRUE(process) << process.error().message();
  const auto ended = process->Wait();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 0);

  const std::vector<Platform> platforms = DetectPlatforms(scratch->path());
  ASSERT_FALSE(platforms.empty());
  EXPECT_EQ(platforms.front(), HostPlatform());
  for (std::size_t i = 1; i < platforms.size(); ++i) {
    EXPECT_NE(platforms[i].ToString(), platforms[i - 1].ToString());
  }
  // The levels of an amd64 are steps: v3 never without v2.
  std::string levels;
  for (const Platform& platform : platforms) {
    levels += platform.architecture == "amd64" ? platform.variant : "";
  }
  EXPECT_EQ(std::string("v2v3v4").substr(0, levels.size()), levels);
}

}  // namespace
}  // namespace loam::daemon
