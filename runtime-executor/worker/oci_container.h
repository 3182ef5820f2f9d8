// OciContainer: a container whose process was started and goes on while others are started in it.
#pragma once

#include <memory>

#include "runtime-executor/worker/oci_step.h"

namespace loam::worker {

class OciContainer final : public Container {
 public:
  // Returns when the process runs, or fails as it did.
  static Result<std::unique_ptr<Container>> Start(OciSetup setup, const ExecSpec& spec, const ProcessStreams& streams,
                                                  std::uint64_t number, std::stop_token stop);
  ~OciContainer() override;

  Result<ExecResult> Wait(std::stop_token stop) override;
  Result<> Signal(int signal) override;
  Result<> Resize(std::uint16_t rows, std::uint16_t columns) override;
  [[nodiscard]] int terminal() const override;
  Result<std::unique_ptr<ContainerProcess>> Exec(const ProcessRequest& request, const ProcessStreams& streams) override;

 private:
  class Shared;
  class OneProcess;
  class Further;
  explicit OciContainer(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;
};

}  // namespace loam::worker
