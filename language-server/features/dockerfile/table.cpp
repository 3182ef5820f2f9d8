#include "language-server/features/dockerfile/features.h"

namespace loam::lsp {

const Features kDockerfileFeatures = {
    .diagnostics = dockerfile::Diagnostics,
    .symbols = dockerfile::Symbols,
};

}  // namespace loam::lsp
