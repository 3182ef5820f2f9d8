// What the local store knows of an image, as Markdown: name, digest, platforms, size, config.
#pragma once

#include <string>

#include "language-server/features/store_facts.h"

namespace loam::lsp {

std::string ImageMarkdown(const ImageFacts& facts);

}  // namespace loam::lsp
