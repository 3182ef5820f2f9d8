// EngineFacts: images and builds of the local state folder, for the language server. Opens the databases when it is
// first asked, and only those that are there: it makes no state folder and needs no root.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "language-server/features/store_facts.h"
#include "runtime-executor/cache/records.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/source/image_store.h"

namespace loam::cli {

class EngineFacts : public lsp::StoreFacts {
 public:
  // `root`: the state folder, which need not exist.
  explicit EngineFacts(std::string root) : root_(std::move(root)) {}

  std::optional<lsp::ImageFacts> FindImage(std::string_view name) override;
  std::vector<std::string> ImageNames() override;
  std::optional<lsp::BuildFacts> LastBuild(std::string_view path, std::string_view target) override;
  std::optional<std::string> ProjectDirectory(std::string_view git_path, std::string_view tag) override;
  bool IsFetched(std::string_view path) override;
  void Forget() override;

 private:
  void OpenImages();
  void ReadBuilds();

  struct KnownBuild {
    std::string context;     // absolute
    std::string dockerfile;  // as the build was told
    std::string target;
    lsp::BuildFacts facts;
  };

  std::string root_;
  bool opened_ = false;
  std::unique_ptr<content::ContentStore> content_;
  std::unique_ptr<source::ImageStore> images_;
  std::map<std::string, std::optional<lsp::ImageFacts>, std::less<>> known_images_;
  std::optional<std::vector<KnownBuild>> builds_;  // newest first
};

}  // namespace loam::cli
