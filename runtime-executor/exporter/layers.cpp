#include "runtime-executor/exporter/layers.h"

#include <atomic>
#include <mutex>
#include <tuple>

#include "base/task_pool.h"
#include "runtime-executor/content/compression.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/snapshot/layer_store.h"

namespace loam::exporter {
namespace {

// More streams at once would not be faster: each one keeps all cores busy. They only fill each other's gaps.
constexpr std::size_t kParallelLayers = 4;

using content::CompressionType;
using content::Descriptor;

struct Job {
  snapshot::LayerRef layer;
  std::optional<std::int64_t> max_mtime;
  std::optional<Result<LayerBlob>> result;
};

bool IsNondistributable(std::string_view media_type) {
  return media_type.find(".nondistributable.") != std::string_view::npos ||
         media_type.find(".foreign.") != std::string_view::npos;
}

class LayerExport {
 public:
  LayerExport(const ImageAttributes& attributes, const ExporterServices& services, ExportProgress& progress,
              std::stop_token stop)
      : attributes_(attributes), services_(services), progress_(progress), stop_(std::move(stop)) {}

  Result<LayerBlob> Run(const Job& job) {
    if (stop_.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "export was cancelled");
    }
    const snapshot::LayerInfo info = LOAM_TRY(services_.layers->Info(job.layer->id()));
    if (!job.max_mtime) {
      if (std::optional<LayerBlob> known = LOAM_TRY(FindKnown(info))) {
        return std::move(*known);
      }
      if (std::optional<content::Blob> other = LOAM_TRY(FindOther(info))) {
        return Convert(info, *other);
      }
    }
    return Compress(job, info);
  }

 private:
  // A blob that can be used as it is, brought into the content store.
  Result<std::optional<LayerBlob>> FindKnown(const snapshot::LayerInfo& info) {
    const Digest diff_id = LOAM_TRY(services_.layers->DiffId(info.id));
    if (diff_id.empty()) {
      return std::optional<LayerBlob>();
    }
    const bool pulled = !info.origin.empty();
    std::vector<Descriptor> candidates;
    for (Descriptor& blob : LOAM_TRY(services_.layers->Blobs(info.id))) {
      const Result<CompressionType> type = content::CompressionOfMediaType(blob.media_type);
      if (!type) {
        continue;
      }
      if (*type == attributes_.compression.type) {
        candidates.insert(candidates.begin(), std::move(blob));
      } else if (pulled && !attributes_.force_compression) {
        candidates.push_back(std::move(blob));
      }
    }
    for (const bool fetch : {false, true}) {
      for (const Descriptor& blob : candidates) {
        if (fetch && pulled && services_.fetch_blob && !services_.content->Contains(blob)) {
          LOAM_TRY(services_.fetch_blob(blob, info.origin, stop_));
        }
        if (services_.content->Contains(blob)) {
          return std::optional<LayerBlob>(Known(blob, diff_id, info));
        }
      }
    }
    return std::optional<LayerBlob>();
  }

  LayerBlob Known(const Descriptor& blob, const Digest& diff_id, const snapshot::LayerInfo& info) const {
    LayerBlob known;
    known.blob.media_type = blob.media_type;
    known.blob.digest = blob.digest;
    known.blob.size = blob.size;
    known.diff_id = diff_id;
    known.created = info.created;
    known.description = info.description;
    return known;
  }

  // A blob of the layer in another compression. A layer that came as a blob must be converted from it rather than
  // written anew: another program wrote that tar, and ours would have another diffID.
  Result<std::optional<content::Blob>> FindOther(const snapshot::LayerInfo& info) {
    for (const Descriptor& blob : LOAM_TRY(services_.layers->Blobs(info.id))) {
      if (!content::CompressionOfMediaType(blob.media_type)) {
        continue;
      }
      if (!services_.content->Contains(blob) && services_.fetch_blob && !info.origin.empty()) {
        LOAM_TRY(services_.fetch_blob(blob, info.origin, stop_));
      }
      if (services_.content->Contains(blob)) {
        return std::optional<content::Blob>(LOAM_TRY(services_.content->OpenBlob(blob.digest)));
      }
    }
    return std::optional<content::Blob>();
  }

  Result<LayerBlob> Convert(const snapshot::LayerInfo& info, content::Blob& other) {
    const auto reader = LOAM_TRY(content::LayerReader::Open(other));
    content::Ingest ingest = LOAM_TRY(services_.content->StartIngest());
    const auto compressor = LOAM_TRY(content::Compressor::Create(*services_.codecs, attributes_.compression, ingest));
    constexpr std::size_t kPiece = std::size_t{1} << 20;
    std::string buffer(kPiece, '\0');
    while (true) {
      if (stop_.stop_requested()) {
        return Unexpected(ErrorCode::kCanceled, "export was cancelled");
      }
      const std::size_t size = LOAM_TRY(reader->Read(buffer));
      if (size == 0) {
        break;
      }
      LOAM_TRY(compressor->Write(std::string_view(buffer).substr(0, size)));
    }
    return Store(info, *compressor, ingest, true);
  }

  Result<LayerBlob> Compress(const Job& job, const snapshot::LayerInfo& info) {
    content::Ingest ingest = LOAM_TRY(services_.content->StartIngest());
    const auto compressor = LOAM_TRY(content::Compressor::Create(*services_.codecs, attributes_.compression, ingest));
    snapshot::TarOptions options;
    options.max_mtime = job.max_mtime;
    LOAM_TRY(services_.layers->WriteTar(job.layer, *compressor, options, stop_));
    LayerBlob stored = LOAM_TRY(Store(info, *compressor, ingest, !job.max_mtime));
    if (job.max_mtime && attributes_.oci_media_types) {
      // As BuildKit marks them: which time they were set back to.
      stored.blob.annotations["buildkit/rewritten-timestamp"] = std::to_string(*job.max_mtime);
    }
    return stored;
  }

  Result<LayerBlob> Store(const snapshot::LayerInfo& info, content::Compressor& compressor, content::Ingest& ingest,
                          bool record) {
    const content::StreamSummary summary = LOAM_TRY(compressor.Finish());
    const content::BlobInfo stored = LOAM_TRY(ingest.Commit());
    LayerBlob result;
    result.blob.media_type = content::LayerMediaType(attributes_.compression.type, /*oci=*/true);
    result.blob.digest = stored.digest;
    result.blob.size = stored.size;
    result.diff_id = summary.digest;
    result.created = info.created;
    result.description = info.description;
    if (record) {
      LOAM_TRY(services_.layers->RecordBlob(info.id, result.diff_id, result.blob));
    }
    const std::lock_guard lock(mutex_);
    written_ += stored.size;
    progress_.Progressed("exporting layers", written_, 0);
    return result;
  }

  const ImageAttributes& attributes_;
  const ExporterServices& services_;
  ExportProgress& progress_;
  const std::stop_token stop_;
  std::mutex mutex_;  // guards written_
  std::uint64_t written_ = 0;
};

// The media type as the exporter's attributes want it.
std::string ConvertedMediaType(const std::string& media_type, const ImageAttributes& attributes) {
  if (attributes.prefer_nondistributable && IsNondistributable(media_type)) {
    return media_type;
  }
  const Result<CompressionType> type = content::CompressionOfMediaType(media_type);
  return type ? std::string(content::LayerMediaType(*type, /*oci=*/true)) : media_type;
}

}  // namespace

Result<std::vector<std::vector<LayerBlob>>> ExportLayers(const std::vector<LayerRequest>& requests,
                                                         const ImageAttributes& attributes,
                                                         const ExporterServices& services, ExportProgress& progress,
                                                         std::stop_token stop) {
  progress.Started("exporting layers");
  std::vector<Job> jobs;
  std::map<std::tuple<snapshot::LayerId, std::optional<std::int64_t>>, std::size_t> job_of;
  std::vector<std::vector<std::size_t>> jobs_of_request;
  for (const LayerRequest& request : requests) {
    const snapshot::FsRef fs =
        request.fs.is_host_tree() ? LOAM_TRY(services.layers->Materialize(request.fs)) : request.fs;
    std::vector<std::size_t>& mine = jobs_of_request.emplace_back();
    bool in_base = request.max_mtime.has_value();
    for (std::size_t i = 0; i < fs.layers().size(); ++i) {
      const snapshot::LayerRef& layer = fs.layers()[i];
      std::optional<std::int64_t> max_mtime = request.max_mtime;
      if (in_base && i < request.base_diff_ids.size()) {
        const Digest diff_id = LOAM_TRY(services.layers->DiffId(layer->id()));
        in_base = !diff_id.empty() && diff_id == request.base_diff_ids[i];
      } else {
        in_base = false;
      }
      if (in_base) {
        max_mtime.reset();
      }
      const auto [found, is_new] = job_of.try_emplace({layer->id(), max_mtime}, jobs.size());
      if (is_new) {
        jobs.push_back({layer, max_mtime, std::nullopt});
      }
      mine.push_back(found->second);
    }
  }

  LayerExport layer_export(attributes, services, progress, stop);
  std::atomic<bool> failed = false;
  ParallelFor(
      jobs.size(),
      [&](std::size_t i) {
        if (failed) {
          return;
        }
        jobs[i].result = layer_export.Run(jobs[i]);
        if (!*jobs[i].result) {
          failed = true;
        }
      },
      std::min(kParallelLayers, std::max<std::size_t>(2, services.codecs->threads())));
  for (Job& job : jobs) {
    if (job.result && !*job.result) {
      return Unexpected(std::move(*job.result).error());
    }
  }
  std::vector<std::vector<LayerBlob>> result;
  for (const std::vector<std::size_t>& mine : jobs_of_request) {
    std::vector<LayerBlob>& blobs = result.emplace_back();
    for (const std::size_t i : mine) {
      LayerBlob blob = **jobs[i].result;
      blob.blob.media_type = ConvertedMediaType(blob.blob.media_type, attributes);
      blobs.push_back(std::move(blob));
    }
  }
  progress.Finished("exporting layers");
  return result;
}

}  // namespace loam::exporter
