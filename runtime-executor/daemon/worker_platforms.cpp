#include "runtime-executor/daemon/worker_platforms.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "base/file_system.h"
#include "base/process.h"

namespace loam::daemon {
namespace {

using std::string_view_literals::operator""sv;

struct Machine {
  std::string_view architecture;
  bool wide;  // ELFCLASS64
  bool big_endian;
  std::uint16_t elf_machine;
  std::uint32_t elf_flags;
  // exit(0) as machine code: two registers set, and the system call.
  std::string_view code;
};

constexpr std::uint16_t kLoongArch = 258;  // newer than Debian 12's <elf.h>
constexpr std::uint32_t kMips64 = 0x60000000;
constexpr std::uint32_t kPowerAbi2 = 2;

constexpr auto kMachines = std::to_array<Machine>({
    {"amd64", true, false, EM_X86_64, 0, "\xB8\x3C\0\0\0\x31\xFF\x0F\x05"sv},
    {"arm64", true, false, EM_AARCH64, 0, "\0\0\x80\xD2\xA8\x0B\x80\xD2\x01\0\0\xD4"sv},
    {"riscv64", true, false, EM_RISCV, 0, "\x13\x05\0\0\x93\x08\xD0\x05\x73\0\0\0"sv},
    {"ppc64le", true, false, EM_PPC64, kPowerAbi2, "\x01\0\0\x38\0\0\x60\x38\x02\0\0\x44"sv},
    {"s390x", true, true, EM_S390, 0, "\xA7\x29\0\0\x0A\x01"sv},
    {"386", false, false, EM_386, 0, "\xB8\x01\0\0\0\x31\xDB\xCD\x80"sv},
    {"mips64le", true, false, EM_MIPS, kMips64, "\xC2\x13\x02\x24\0\0\x04\x24\x0C\0\0\0"sv},
    {"mips64", true, true, EM_MIPS, kMips64, "\x24\x02\x13\xC2\x24\x04\0\0\0\0\0\x0C"sv},
    {"loong64", true, false, kLoongArch, 0, "\x0B\x74\x81\x02\x04\0\x80\x02\0\0\x2B\0"sv},
    {"arm", false, false, EM_ARM, EF_ARM_EABI_VER5, "\0\0\xA0\xE3\x01\x70\xA0\xE3\0\0\0\xEF"sv},
});

// Numbers of an ELF file, one after the other.
class Writer {
 public:
  explicit Writer(const Machine& machine) : machine_(&machine) {}

  void Add(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      const int shift = 8 * (machine_->big_endian ? bytes - 1 - i : i);
      out_ += static_cast<char>(static_cast<unsigned char>(value >> shift));
    }
  }
  // An address, an offset or a size.
  void AddWord(std::uint64_t value) { Add(value, machine_->wide ? 8 : 4); }
  void AddText(std::string_view text) { out_ += text; }
  [[nodiscard]] std::string Take() { return std::move(out_); }

 private:
  const Machine* machine_;
  std::string out_;
};

std::string ElfFile(const Machine& machine) {
  constexpr std::uint64_t kBase = 0x400000;
  constexpr std::uint64_t kPage = 0x10000;  // the largest of all these architectures
  const std::uint64_t header = machine.wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
  const std::uint64_t segment = machine.wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
  const std::uint64_t size = header + segment + machine.code.size();
  Writer file(machine);
  file.AddText(ELFMAG);
  file.Add(machine.wide ? ELFCLASS64 : ELFCLASS32, 1);
  file.Add(machine.big_endian ? ELFDATA2MSB : ELFDATA2LSB, 1);
  file.Add(EV_CURRENT, 1);
  file.AddText(std::string(EI_NIDENT - 7, '\0'));
  file.Add(ET_EXEC, 2);
  file.Add(machine.elf_machine, 2);
  file.Add(EV_CURRENT, 4);
  file.AddWord(kBase + header + segment);  // entry
  file.AddWord(header);                    // program headers
  file.AddWord(0);                         // section headers
  file.Add(machine.elf_flags, 4);
  file.Add(header, 2);
  file.Add(segment, 2);
  file.Add(1, 2);
  file.Add(0, 2);
  file.Add(0, 2);
  file.Add(0, 2);
  file.Add(PT_LOAD, 4);
  if (machine.wide) {
    file.Add(PF_R | PF_X, 4);
  }
  file.AddWord(0);
  file.AddWord(kBase);
  file.AddWord(kBase);
  file.AddWord(size);
  file.AddWord(size);
  if (!machine.wide) {
    file.Add(PF_R | PF_X, 4);
  }
  file.AddWord(kPage);
  file.AddText(machine.code);
  return file.Take();
}

bool Runs(const Machine& machine, const TempDir& scratch) {
  constexpr mode_t kExecutable = 0700;
  constexpr std::chrono::seconds kPatience{5};
  const std::string path = scratch.Child(machine.architecture);
  if (!WriteFileAtomic(path, ElfFile(machine), kExecutable)) {
    return false;
  }
  auto process = Process::Spawn({.args = {path}});
  if (!process) {
    return false;
  }
  const Result<ExitStatus> ended = process->Wait({}, std::chrono::steady_clock::now() + kPatience);
  return ended && ended->ok();
}

// v2, v3, v4 of the x86-64 psABI, by the extensions that came last with each.
void AddLevels(const Platform& own, std::vector<Platform>& platforms) {
#if defined(__x86_64__)
  const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  for (const auto& [level, there] : {std::pair("v2", v2), std::pair("v3", v3), std::pair("v4", v4)}) {
    if (there) {
      platforms.push_back(own);
      platforms.back().variant = level;
    }
  }
#else
  static_cast<void>(own);
  static_cast<void>(platforms);
#endif
}

}  // namespace

std::string TrivialProgram(std::string_view architecture) {
  const auto found = std::find_if(kMachines.begin(), kMachines.end(),
                                  [&](const Machine& machine) { return machine.architecture == architecture; });
  return found == kMachines.end() ? std::string() : ElfFile(*found);
}

std::vector<Platform> DetectPlatforms(const std::string& scratch_dir) {
  const Platform own = HostPlatform();
  std::vector<Platform> platforms = {own};
  AddLevels(own, platforms);
  const auto scratch = TempDir::Create(scratch_dir, "platforms-");
  if (!scratch) {
    return platforms;
  }
  for (const Machine& machine : kMachines) {
    if (machine.architecture == own.architecture || !Runs(machine, *scratch)) {
      continue;
    }
    if (machine.architecture != "arm") {
      platforms.push_back({own.os, std::string(machine.architecture), "", "", {}});
      continue;
    }
    for (const char* const variant : {"v7", "v6"}) {
      platforms.push_back({own.os, "arm", variant, "", {}});
    }
  }
  return platforms;
}

}  // namespace loam::daemon
