#include "runtime-executor/content/compression.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <random>

#include "base/file_system.h"
#include "tests/support/require.h"

namespace loam::content {
namespace {

using ::testing::HasSubstr;

// Text-like data with runs, about 3:1.
std::string MakeData(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string data;
  data.reserve(size + 64);
  while (data.size() < size) {
    switch (random() % 4) {
      case 0:
        data.append(random() % 50, static_cast<char>('a' + random() % 26));
        break;
      case 1:
        data += std::to_string(random());
        break;
      default:
        data += "the quick brown fox ";
        break;
    }
  }
  data.resize(size);
  return data;
}

std::string MakeNoise(std::size_t size) {
  std::mt19937_64 random(7);
  std::string data(size, '\0');
  for (char& c : data) {
    c = static_cast<char>(random());
  }
  return data;
}

struct Compressed {
  std::string bytes;
  StreamSummary summary;
};

Compressed CompressAll(std::string_view data, const Compression& compression, std::size_t threads,
                       std::size_t piece = 100'003) {
  CodecPool pool(threads);
  StringSink sink;
  auto compressor = Compressor::Create(pool, compression, sink);
  EXPECT_TRUE(compressor.has_value()) << compressor.error().message();
  for (std::size_t offset = 0; offset < data.size(); offset += piece) {
    EXPECT_TRUE((*compressor)->Write(data.substr(offset, piece)).has_value());
  }
  auto summary = (*compressor)->Finish();
  EXPECT_TRUE(summary.has_value());
  return {sink.Take(), *summary};
}

Result<std::string> Decompress(std::string_view bytes) {
  StringSource source(bytes);
  auto plain = LOAM_TRY(OpenDecompressor(source));
  return ReadAll(*plain, 1U << 30U);
}

// By zlib, as one member.
std::string Gunzip(std::string_view bytes) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
  std::string out(64U << 20U, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END) << (stream.msg != nullptr ? stream.msg : "");
  EXPECT_EQ(stream.avail_in, 0U) << "there is data after the member";
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

class GzipLevels : public ::testing::TestWithParam<std::optional<int>> {};

TEST_P(GzipLevels, IsOneValidMemberThatZlibReads) {
  const Compression compression{CompressionType::kGzip, GetParam()};
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{1} << 20U, (std::size_t{1} << 20U) + 1, std::size_t{5'000'017}}) {
    const std::string data = MakeData(size);
    const Compressed result = CompressAll(data, compression, 3);
    EXPECT_TRUE(Gunzip(result.bytes) == data) << size;
    EXPECT_EQ(result.summary.digest, Digest::Of(data));
    EXPECT_EQ(result.summary.size, size);
  }
}

TEST_P(GzipLevels, SurvivesDataThatCannotBeCompressed) {
  const std::string data = MakeNoise(3'000'000);
  const Compressed result = CompressAll(data, {CompressionType::kGzip, GetParam()}, 2);
  EXPECT_TRUE(Gunzip(result.bytes) == data);
  EXPECT_LT(result.bytes.size(), data.size() + data.size() / 50);
}

INSTANTIATE_TEST_SUITE_P(All, GzipLevels,
                         ::testing::Values(std::nullopt, std::optional(0), std::optional(1), std::optional(2),
                                           std::optional(3), std::optional(4), std::optional(9)));

class EveryType : public ::testing::TestWithParam<CompressionType> {};

TEST_P(EveryType, DoesNotDependOnThreadsOrOnTheSizeOfWrites) {
  const std::string data = MakeData(9'000'001) + MakeNoise(1'000'000);
  const std::string expected = CompressAll(data, {GetParam(), std::nullopt}, 1).bytes;
  for (const std::size_t threads : {2U, 5U, 16U}) {
    EXPECT_TRUE(CompressAll(data, {GetParam(), std::nullopt}, threads, 4096 * threads + 1).bytes == expected)
        << threads;
  }
  EXPECT_TRUE(CompressAll(data, {GetParam(), std::nullopt}, 3, data.size()).bytes == expected);
}

TEST_P(EveryType, RoundTrips) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{3}, std::size_t{700'000}, std::size_t{4} << 20U, std::size_t{6'000'011}}) {
    const std::string data = MakeData(size);
    const Compressed result = CompressAll(data, {GetParam(), std::nullopt}, 2);
    const auto plain = Decompress(result.bytes);
    ASSERT_TRUE(plain.has_value()) << plain.error().message();
    EXPECT_TRUE(*plain == data);
    EXPECT_EQ(result.summary.digest, Digest::Of(data));
  }
}

TEST_P(EveryType, ReadsFilesDirectly) {
  const auto dir = TempDir::Create();
  const std::string data = MakeData(5'000'000);
  ASSERT_TRUE(WriteFileAtomic(dir->Child("file"), data).has_value());
  const auto fd = OpenFile(dir->Child("file"), O_RDONLY);
  CodecPool pool(2);
  StringSink sink;
  auto compressor = *Compressor::Create(pool, {GetParam(), std::nullopt}, sink);
  ASSERT_TRUE(compressor->Write("head").has_value());
  ASSERT_TRUE(compressor->WriteFromFile(fd->get(), 1000, 4'500'000, "file").has_value());
  ASSERT_TRUE(compressor->Write("tail").has_value());
  ASSERT_TRUE(compressor->Finish().has_value());
  const auto plain = Decompress(sink.text());
  ASSERT_TRUE(plain.has_value());
  EXPECT_TRUE(*plain == "head" + data.substr(1000, 4'500'000) + "tail");

  auto too_long = *Compressor::Create(pool, {GetParam(), std::nullopt}, sink);
  const auto failed = too_long->WriteFromFile(fd->get(), 0, 5'000'001, "file");
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), ErrorCode::kDataLoss);
}

class FullSink final : public ByteSink {
 public:
  Result<> Write(std::string_view data) override {
    written_ += data.size();
    if (written_ > 100'000) {
      return Unexpected(ErrorCode::kResourceExhausted, "no space left on device");
    }
    return {};
  }

 private:
  std::size_t written_ = 0;
};

TEST_P(EveryType, ReportsAFailingSinkAndStops) {
  CodecPool pool(2);
  FullSink sink;
  auto compressor = *Compressor::Create(pool, {GetParam(), std::nullopt}, sink);
  const std::string noise = MakeNoise(1 << 20);
  Result<> result;
  // Many times what may be in flight: without the failure this would write 1 GiB.
  for (int i = 0; i < 1024 && result; ++i) {
    result = compressor->Write(noise);
  }
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_FALSE(compressor->Finish().has_value());
}

TEST_P(EveryType, CanBeAbandonedInTheMiddle) {
  CodecPool pool(2);
  StringSink sink;
  const std::string data = MakeData(20'000'000);
  {
    auto compressor = *Compressor::Create(pool, {GetParam(), std::nullopt}, sink);
    ASSERT_TRUE(compressor->Write(data).has_value());
  }
  // The pool is still of use.
  auto again = *Compressor::Create(pool, {GetParam(), std::nullopt}, sink);
  ASSERT_TRUE(again->Write("x").has_value());
  EXPECT_TRUE(again->Finish().has_value());
}

TEST_P(EveryType, ManyStreamsShareAPool) {
  CodecPool pool(3);
  std::vector<std::string> results(8);
  {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < results.size(); ++i) {
      threads.emplace_back([&, i] {
        StringSink sink;
        auto compressor = *Compressor::Create(pool, {GetParam(), std::nullopt}, sink);
        EXPECT_TRUE(compressor->Write(MakeData(3'000'000 + i, static_cast<unsigned>(i))).has_value());
        EXPECT_TRUE(compressor->Finish().has_value());
        results[i] = sink.Take();
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto plain = Decompress(results[i]);
    ASSERT_TRUE(plain.has_value());
    EXPECT_TRUE(*plain == MakeData(3'000'000 + i, static_cast<unsigned>(i)));
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryType,
                         ::testing::Values(CompressionType::kUncompressed, CompressionType::kGzip,
                                           CompressionType::kZstd));

TEST(Compression, CommandLineToolsReadWhatIsWritten) {
  const auto dir = TempDir::Create();
  const std::string data = MakeData(7'000'000);
  ASSERT_TRUE(WriteFileAtomic(dir->Child("plain"), data).has_value());
  ASSERT_TRUE(
      WriteFileAtomic(dir->Child("a.gz"), CompressAll(data, {CompressionType::kGzip, {}}, 2).bytes).has_value());
  ASSERT_TRUE(
      WriteFileAtomic(dir->Child("a.zst"), CompressAll(data, {CompressionType::kZstd, {}}, 2).bytes).has_value());
  for (const auto& [tool, file] : {std::pair("gzip", "a.gz"), std::pair("zstd", "a.zst")}) {
    if (std::system(fmt::format("command -v {} >/dev/null", tool).c_str()) != 0) {
      LOAM_TEST_SKIP(std::string(tool) + " is not installed");
    }
    EXPECT_EQ(std::system(fmt::format("{} -dc {} | cmp - {}", tool, dir->Child(file), dir->Child("plain")).c_str()), 0)
        << tool;
  }
}

TEST(Compression, ReadsSeveralGzipMembersAndPadding) {
  const std::string one = CompressAll("first ", {CompressionType::kGzip, {}}, 1).bytes;
  const std::string two = CompressAll("second", {CompressionType::kGzip, 9}, 1).bytes;
  EXPECT_EQ(*Decompress(one + two), "first second");
  EXPECT_EQ(*Decompress(one + two + std::string(512, '\0')), "first second");
  EXPECT_FALSE(Decompress(one + "rubbish!!").has_value());
}

TEST(Compression, FindsDamage) {
  const std::string data = MakeData(2'500'000);
  for (const CompressionType type : {CompressionType::kGzip, CompressionType::kZstd}) {
    const std::string good = CompressAll(data, {type, {}}, 2).bytes;
    for (const std::size_t cut : {good.size() - 1, good.size() / 2, std::size_t{9}}) {
      const auto result = Decompress(std::string_view(good).substr(0, cut));
      ASSERT_FALSE(result.has_value()) << CompressionName(type) << " " << cut;
      EXPECT_EQ(result.error().code(), ErrorCode::kDataLoss);
    }
  }
  std::string wrong_crc = CompressAll(data, {CompressionType::kGzip, {}}, 2).bytes;
  wrong_crc[wrong_crc.size() - 8] = static_cast<char>(wrong_crc[wrong_crc.size() - 8] ^ 1);
  const auto result = Decompress(wrong_crc);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message(), HasSubstr("checksum"));
}

TEST(Compression, LevelsMatter) {
  const std::string data = MakeData(4'000'000);
  EXPECT_GT(CompressAll(data, {CompressionType::kGzip, 0}, 2).bytes.size(), data.size());
  EXPECT_LT(CompressAll(data, {CompressionType::kGzip, 9}, 2).bytes.size(),
            CompressAll(data, {CompressionType::kGzip, 1}, 2).bytes.size());
  EXPECT_LT(CompressAll(data, {CompressionType::kZstd, 19}, 2).bytes.size(),
            CompressAll(data, {CompressionType::kZstd, 1}, 2).bytes.size());
  CodecPool pool(1);
  StringSink sink;
  for (const Compression& bad : {Compression{CompressionType::kGzip, 10}, Compression{CompressionType::kGzip, -1},
                                 Compression{CompressionType::kZstd, 23}}) {
    const auto compressor = Compressor::Create(pool, bad, sink);
    ASSERT_FALSE(compressor.has_value());
    EXPECT_EQ(compressor.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(LayerReader, GivesTheDataAndItsDigest) {
  const std::string data = MakeData(11'000'000);
  for (const CompressionType type : {CompressionType::kUncompressed, CompressionType::kGzip, CompressionType::kZstd}) {
    const std::string bytes = CompressAll(data, {type, {}}, 2).bytes;
    StringSource source(bytes);
    auto reader = *LayerReader::Open(source);
    std::string head(1'234'567, '\0');
    ASSERT_EQ(*ReadFull(*reader, head), head.size());
    EXPECT_TRUE(head == data.substr(0, head.size()));
    // The rest unread: Finish reads it.
    const auto summary = reader->Finish();
    ASSERT_TRUE(summary.has_value());
    EXPECT_EQ(summary->digest, Digest::Of(data));
    EXPECT_EQ(summary->size, data.size());
  }
}

TEST(LayerReader, ReportsDamageAndCanBeDropped) {
  std::string bytes = CompressAll(MakeData(30'000'000), {CompressionType::kGzip, {}}, 2).bytes;
  {
    StringSource source(bytes);
    auto reader = *LayerReader::Open(source);  // dropped unread, with its threads waiting
  }
  bytes.resize(bytes.size() / 2);
  StringSource source(bytes);
  auto reader = *LayerReader::Open(source);
  const auto summary = reader->Finish();
  ASSERT_FALSE(summary.has_value());
  EXPECT_EQ(summary.error().code(), ErrorCode::kDataLoss);
}

TEST(Compression, NamesAndMediaTypes) {
  EXPECT_EQ(*ParseCompression("zstd"), CompressionType::kZstd);
  EXPECT_EQ(ParseCompression("estargz").error().code(), ErrorCode::kUnimplemented);
  EXPECT_EQ(ParseCompression("lzma").error().code(), ErrorCode::kInvalidArgument);
  for (const CompressionType type : {CompressionType::kUncompressed, CompressionType::kGzip, CompressionType::kZstd}) {
    for (const bool oci : {false, true}) {
      EXPECT_EQ(*CompressionOfMediaType(LayerMediaType(type, oci)), type);
    }
  }
  EXPECT_FALSE(CompressionOfMediaType("application/vnd.oci.image.layer.v1.tar+encrypted").has_value());
}

}  // namespace
}  // namespace loam::content
