#include "language-server/features/dockerfile/links.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/context_files.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/names.h"
#include "language-server/workspace/uri.h"

namespace loam::lsp::dockerfile {
namespace {

bool IsFile(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// The part of an image's name in front of tag and digest.
std::string_view Repository(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const std::size_t slash = image.rfind('/');
  const std::size_t colon = image.find(':', slash == std::string_view::npos ? 0 : slash);
  return image.substr(0, colon);
}

// A page about the image; "" if its registry has none.
std::string PageOf(std::string_view repository) {
  const std::size_t slash = repository.find('/');
  if (slash == std::string_view::npos) {
    return fmt::format("https://hub.docker.com/_/{}/", repository);
  }
  const std::string_view host = repository.substr(0, slash);
  const std::string_view rest = repository.substr(slash + 1);
  if (host.find_first_of(".:") == std::string_view::npos && host != "localhost") {
    return fmt::format("https://hub.docker.com/r/{}/", repository);
  }
  if (host == "docker.io") {
    return rest.starts_with("library/") ? fmt::format("https://hub.docker.com/_/{}/", rest.substr(8))
                                        : fmt::format("https://hub.docker.com/r/{}/", rest);
  }
  if (host == "mcr.microsoft.com") {
    return fmt::format("https://mcr.microsoft.com/artifact/mar/{}", rest);
  }
  if (host == "quay.io") {
    return fmt::format("https://quay.io/repository/{}", rest);
  }
  if (host == "gcr.io" || host.ends_with(".gcr.io")) {
    return fmt::format("https://{}", repository);
  }
  return {};
}

constexpr std::string_view kHub = "https://hub.docker.com/";

void AddImageLink(const ast::Text& base, std::vector<DocumentLink>& links) {
  if (!base.present() || base.text.find('$') != std::string_view::npos || base.text == "scratch") {
    return;
  }
  const std::string_view repository = Repository(base.text);
  const std::string page = PageOf(repository);
  if (page.empty() || repository.empty()) {
    return;
  }
  DocumentLink link;
  link.span = {base.range.begin, static_cast<std::uint32_t>(base.range.begin + repository.size())};
  if (page.starts_with(kHub)) {
    link.data = page.substr(kHub.size());
  } else {
    link.target = page;
  }
  links.push_back(std::move(link));
}

}  // namespace

std::vector<DocumentLink> Links(const Query& query) {
  std::vector<DocumentLink> links;
  const ast::Dockerfile& file = DockerfileAnalysis::Of(query.document).file();
  const Names& names = NamesOf(query);
  const ContextFiles files(query);
  for (std::uint32_t i = 0; i < file.instructions.size(); ++i) {
    const ast::Instruction* instruction = file.instructions[i];
    if (const auto* from = ast::As<ast::From>(instruction)) {
      const std::uint32_t stage = names.RegionOf(i) == 0 ? 0 : names.RegionOf(i) - 1;
      if (!names.FindStage(from->base.text, stage)) {
        AddImageLink(from->base, links);
      }
      continue;
    }
    const auto* copy = ast::As<ast::Copy>(instruction);
    const auto* add = ast::As<ast::Add>(instruction);
    if (instruction->invalid || (copy == nullptr && add == nullptr) || instruction->FindFlag("from") != nullptr) {
      continue;
    }
    const ast::FileTransfer& transfer = copy != nullptr ? static_cast<const ast::FileTransfer&>(*copy) : *add;
    for (const ast::FileSource& source : transfer.sources) {
      const std::string_view path = source.path.text;
      if (path.starts_with("https://") || path.starts_with("http://")) {
        if (path.find('$') == std::string_view::npos) {
          links.push_back({SpanOf(source.path.range), std::string(path), {}, {}});
        }
      } else if (source.heredoc == nullptr && files.known() && !HasWildcard(path) &&
                 path.find('$') == std::string_view::npos) {
        const std::string target = files.PathOf(CleanRootedPath(path).substr(1));
        if (IsFile(target)) {
          links.push_back({SpanOf(source.path.range), UriOfPath(target), {}, {}});
        }
      }
    }
  }
  for (const ast::Directive& directive : file.directives) {
    if (directive.name.text == "syntax") {
      AddImageLink(directive.value, links);
    }
  }
  return links;
}

std::string LinkTarget(const Query&, std::string_view data) {
  return data.empty() ? std::string() : fmt::format("{}{}", kHub, data);
}

std::optional<Location> ContextFileAt(const Query& query, std::uint32_t offset) {
  for (const DocumentLink& link : Links(query)) {
    if (link.span.Touches(offset) && link.target.starts_with("file://")) {
      return Location{link.target, {0, 0}, {0, 0}, link.span};
    }
  }
  return std::nullopt;
}

}  // namespace loam::lsp::dockerfile
