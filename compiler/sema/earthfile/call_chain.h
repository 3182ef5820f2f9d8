// How evaluation got to where it is: target referenced from target, function called from …. Notes of it go on every
// diagnostic that passes.
#pragma once

#include <memory>
#include <string>

#include "compiler/diagnostics/emitter.h"
#include "compiler/source/source_manager.h"

namespace loam::sema::earthfile {

// One link, immutable and shared; `up` is who referenced it, null at the target that was asked for.
struct CallLink {
  std::string what;           // "+test --GO=1.22", "function lib+BUILD"
  source::SourceRange place;  // of the command that led here; invalid for the root
  std::shared_ptr<const CallLink> up;
};
using CallChain = std::shared_ptr<const CallLink>;

CallChain Extend(CallChain up, std::string what, source::SourceRange place);
// "in +build, referenced at ./Earthfile:12:3", innermost first; the root is "in +all". At most kMaxChainNotes lines,
// the middle of a longer chain is left out (and counted).
inline constexpr std::size_t kMaxChainNotes = 12;
std::vector<std::string> ChainNotes(const CallChain& chain, const source::SourceManager& sources);

// Adds the notes of the current chain to each diagnostic and hands it on. `next` and `sources` outlive it.
class ChainConsumer : public diag::Consumer {
 public:
  ChainConsumer(diag::Consumer& next, const source::SourceManager& sources) : next_(&next), sources_(&sources) {}
  void Consume(diag::Diagnostic diagnostic) override;

  [[nodiscard]] const CallChain& chain() const { return chain_; }
  void set_chain(CallChain chain) { chain_ = std::move(chain); }

 private:
  diag::Consumer* next_;
  const source::SourceManager* sources_;
  CallChain chain_;
};

}  // namespace loam::sema::earthfile
