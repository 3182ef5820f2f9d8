// Document: one file that is open in the editor, or read from disk for an answer that crosses files.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "language-server/text/text.h"

namespace loam::lsp {

enum class Language : std::uint8_t { kDockerfile, kEarthfile };

// What a language makes of a text. One subclass a language; see Document::analysis.
class Analysis {
 public:
  virtual ~Analysis() = default;
};

// Used by one thread. The address stays while the document is open.
class Document {
 public:
  Document(std::string uri, std::string path, Language language, int version, std::string bytes)
      : uri_(std::move(uri)), path_(std::move(path)), language_(language), version_(version), text_(std::move(bytes)) {}

  [[nodiscard]] const std::string& uri() const { return uri_; }
  // The file's path; "" if the URI names no file.
  [[nodiscard]] const std::string& path() const { return path_; }
  // The folder of the file, with no slash at the end; "" without a path.
  [[nodiscard]] std::string Folder() const {
    const std::size_t slash = path_.rfind('/');
    return slash == std::string::npos ? std::string() : path_.substr(0, slash);
  }
  [[nodiscard]] Language language() const { return language_; }
  [[nodiscard]] int version() const { return version_; }
  [[nodiscard]] const Text& text() const { return text_; }

  // Made from the text when first asked for, and kept until the text changes. T has a constructor from const Document&.
  template <class T>
  [[nodiscard]] const T& analysis() const {
    if (analysis_ == nullptr) {
      analysis_ = std::make_unique<T>(*this);
    }
    return static_cast<const T&>(*analysis_);
  }

  // The text changes: everything that was made of it is dropped.
  void Replace(Span span, std::string_view replacement) {
    text_.Replace(span, replacement);
    analysis_.reset();
  }
  void SetText(std::string bytes) {
    text_ = Text(std::move(bytes));
    analysis_.reset();
  }
  void set_version(int version) { version_ = version; }
  // Also where a request failed half-way: the next one begins from the text alone.
  void DropAnalysis() { analysis_.reset(); }

 private:
  std::string uri_;
  std::string path_;
  Language language_;
  int version_;
  Text text_;
  mutable std::unique_ptr<Analysis> analysis_;
};

}  // namespace loam::lsp
