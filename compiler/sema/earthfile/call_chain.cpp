#include "compiler/sema/earthfile/call_chain.h"

#include <fmt/format.h>

namespace loam::sema::earthfile {
namespace {

std::string PlaceText(const source::SourceManager& sources, source::SourceRange place) {
  const source::Buffer* buffer = sources.Find(place.file);
  if (buffer == nullptr) {
    return {};
  }
  const source::LineColumn at = buffer->lines().ByteColumn(place.begin);
  return fmt::format("{}:{}:{}", buffer->name(), at.line, at.column);
}

}  // namespace

CallChain Extend(CallChain up, std::string what, source::SourceRange place) {
  return std::make_shared<const CallLink>(CallLink{std::move(what), place, std::move(up)});
}

std::vector<std::string> ChainNotes(const CallChain& chain, const source::SourceManager& sources) {
  std::vector<std::string> notes;
  for (const CallLink* link = chain.get(); link != nullptr; link = link->up.get()) {
    const std::string place = PlaceText(sources, link->place);
    notes.push_back(place.empty() ? fmt::format("in {}", link->what)
                                  : fmt::format("in {}, referenced at {}", link->what, place));
  }
  if (notes.size() > kMaxChainNotes) {
    const std::size_t left_out = notes.size() - kMaxChainNotes + 1;
    const auto first = notes.begin() + kMaxChainNotes / 2;
    *first = fmt::format("… {} more …", left_out);
    notes.erase(first + 1, first + static_cast<std::ptrdiff_t>(left_out));
  }
  return notes;
}

void ChainConsumer::Consume(diag::Diagnostic diagnostic) {
  for (std::string& note : ChainNotes(chain_, *sources_)) {
    diagnostic.notes.push_back(std::move(note));
  }
  next_->Consume(std::move(diagnostic));
}

}  // namespace loam::sema::earthfile
