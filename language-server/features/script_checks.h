// ScriptChecks: what ShellCheck says of scripts, without waiting for it.
#pragma once

#include <string>

#include "compiler/lint/shellcheck.h"

namespace loam::lsp {

class ScriptChecks {
 public:
  virtual ~ScriptChecks() = default;
  // One look at all scripts of a document, in their order. The function answers at once, and may be called until the
  // next look at the same document or Forget: a script that was checked has its report; one that was not has the report
  // of the script that was in its place before, or an empty one, and is checked after the look, unless it is gone by
  // then.
  virtual lint::RunProgram Look(const std::string& uri) = 0;
  // The look is over: what it found missing is checked now.
  virtual void EndLook(const std::string& uri) = 0;
};

// Ends the look when it goes. Without checks the function is empty: the program is run, and waited for.
class ScriptLook {
 public:
  ScriptLook(ScriptChecks* checks, std::string uri) : checks_(checks), uri_(std::move(uri)) {
    if (checks_ != nullptr) {
      run_ = checks_->Look(uri_);
    }
  }
  ~ScriptLook() {
    if (checks_ != nullptr) {
      checks_->EndLook(uri_);
    }
  }
  ScriptLook(const ScriptLook&) = delete;
  ScriptLook& operator=(const ScriptLook&) = delete;

  [[nodiscard]] const lint::RunProgram& run() const { return run_; }

 private:
  ScriptChecks* checks_;
  std::string uri_;
  lint::RunProgram run_;
};

}  // namespace loam::lsp
