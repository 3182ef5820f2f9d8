#include "language-server/features/features.h"

namespace loam::lsp {

const Features kEarthfileFeatures = {};

}  // namespace loam::lsp
