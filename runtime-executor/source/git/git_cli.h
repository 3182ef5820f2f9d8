// GitCli: runs the git program in an environment of its own: no configuration of the machine or the user, no prompts,
// no hooks, only the transports that are allowed. Credentials are handed over by environment, never by argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace loam::solver {
class ProgressWriter;
}

namespace loam::source {

struct GitCliOptions {
  // Added to every call: "http.https://host/.extraheader" -> "Authorization: …". May hold secrets.
  std::vector<std::pair<std::string, std::string>> config;
  // Transports for what comes from outside (GIT_ALLOW_PROTOCOL).
  std::string allowed_protocols = "http:https:ssh:git";
  std::string ssh_auth_sock;
  // Known hosts: those of this file only; or those of a file that grows as hosts are first seen.
  std::string known_hosts_file;
  bool known_hosts_grow = false;
  // Instead of all that: what this machine's user wants git to run, with the user's own HOME. "": nothing.
  std::string ssh_command;
};

struct GitCall {
  std::vector<std::string> args;
  // Empty: no repository, and none is looked for.
  std::string git_dir;
  std::string work_tree;
  // Instead of GitCliOptions::allowed_protocols; "file" for a mirror of our own.
  std::string allowed_protocols;
  std::vector<std::pair<std::string, std::string>> env;
  // Give up when git says nothing for so long.
  std::chrono::milliseconds idle_timeout{300'000};
  // Show the transfer in `progress`.
  bool shows_progress = false;
};

// Whether git's standard error, kept with the error, has one of these parts.
bool SaysAny(const Error& error, std::initializer_list<std::string_view> parts);

class GitCli {
 public:
  explicit GitCli(GitCliOptions options) : options_(std::move(options)) {}

  // Standard output. A failure of git is an Error with its own last words, classified (kUnauthenticated, kNotFound,
  // kUnavailable, …) and without credentials. kFailedPrecondition if there is no git program.
  Result<std::string> Run(const GitCall& call, solver::ProgressWriter* progress, std::stop_token stop) const;

  [[nodiscard]] const GitCliOptions& options() const { return options_; }

 private:
  [[nodiscard]] std::vector<std::string> Environment(const GitCall& call) const;

  GitCliOptions options_;
};

// What git wrote to standard error, kept with its errors (without credentials).
class GitErrorDetail final : public ErrorDetail {
 public:
  explicit GitErrorDetail(std::string text) : standard_error(std::move(text)) {}
  const std::string standard_error;
};

// The bytes of "Receiving objects:  45% (9/20), 1.20 MiB | 800.00 KiB/s"; nullopt for any other line.
std::optional<std::int64_t> ReceivedBytes(std::string_view line);

}  // namespace loam::source
