/* A webcam for tests: preloaded, it answers at the path WEBCAM as a V4L2 device would, so that OpenCV's own V4L2 code
   reads it. Frames are the files of the folder WEBCAM_FRAMES, sorted, over and over: WIDTHxHEIGHT_*.FORMAT, with FORMAT
   "mjpg" or "yuyv"; their names tell which sizes and formats the camera has. WEBCAM_RATE: its only rate, 30.
   WEBCAM_UNPLUGGED: a file; while it is there the device is gone. WEBCAM_SILENT_AT=N: nothing after N frames.
   WEBCAM_BUSY: another program streams. One control: gain, 0 to 100. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BUFFERS 8
#define LENGTH (4 << 20)
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

typedef struct { unsigned width, height, fourcc; char path[512]; } Picture;

static Picture pictures[64], format;
static int picture_count, delivered, gain = 10, is_ours[1024], memory = -1;
static int queue[BUFFERS], queued;

static int failing(int error) { errno = error; return -1; }
static int unplugged(void) { const char *file = getenv("WEBCAM_UNPLUGGED"); return file && !access(file, F_OK); }
static int rate(void) { const char *text = getenv("WEBCAM_RATE"); return text ? atoi(text) : 30; }

static int by_path(const void *a, const void *b) { return strcmp(((Picture *)a)->path, ((Picture *)b)->path); }

static void read_pictures(void) {
  const char *folder = getenv("WEBCAM_FRAMES");
  DIR *listing = opendir(folder);
  for (struct dirent *entry; picture_count < 64 && (entry = readdir(listing));) {
    Picture *picture = &pictures[picture_count];
    if (sscanf(entry->d_name, "%ux%u", &picture->width, &picture->height) != 2) continue;
    picture->fourcc = strstr(entry->d_name, ".mjpg") ? V4L2_PIX_FMT_MJPEG : V4L2_PIX_FMT_YUYV;
    snprintf(picture->path, sizeof picture->path, "%s/%s", folder, entry->d_name);
    picture_count++;
  }
  closedir(listing);
  qsort(pictures, picture_count, sizeof *pictures, by_path);
  format = pictures[0];
}

static int open_camera(void) {
  if (unplugged()) return failing(ENOENT);
  if (!picture_count) read_pictures();
  if (memory < 0) memory = memfd_create("webcam", 0), ftruncate(memory, BUFFERS * LENGTH);
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  return is_ours[fd] = 1, fd;
}

static int opened(const char *path) { const char *ours = getenv("WEBCAM"); return ours && !strcmp(path, ours); }

#define OPEN(name)                                                            \
  int name(const char *path, int flags, ...) {                                \
    va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
    return opened(path) ? open_camera() : NEXT(name)(path, flags, mode);      \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  if (fd >= 0 && fd < 1024) is_ours[fd] = 0;
  return NEXT(close)(fd);
}

#define MAP(name)                                                                                       \
  void *name(void *where, size_t length, int protection, int flags, int fd, off64_t offset) {           \
    int ours = fd >= 0 && fd < 1024 && is_ours[fd];                                                     \
    return NEXT(name)(where, length, protection, flags, ours ? memory : fd, offset);                    \
  }
MAP(mmap)
MAP(mmap64)

/* The camera's choice where it has not what is asked: the format, else its first; the nearest size. */
static void choose(struct v4l2_pix_format *asked) {
  Picture *best = NULL;
  for (int pass = 0; !best; pass++)
    for (Picture *one = pictures; one < pictures + picture_count; one++) {
      if (one->fourcc != (pass ? pictures[0].fourcc : asked->pixelformat)) continue;
#define FAR(p) (abs((int)(p)->width - (int)asked->width) + abs((int)(p)->height - (int)asked->height))
      if (!best || FAR(one) < FAR(best)) best = one;
    }
  format = *best;
  asked->width = best->width, asked->height = best->height, asked->pixelformat = best->fourcc;
  asked->field = V4L2_FIELD_NONE, asked->sizeimage = LENGTH, asked->colorspace = V4L2_COLORSPACE_SRGB;
  asked->bytesperline = best->fourcc == V4L2_PIX_FMT_YUYV ? 2 * best->width : 0;
}

static void every(int fd, int per_second) {
  struct timespec period = {0, per_second ? 999999999 / per_second : 0};
  struct itimerspec timer = {period, period};
  timerfd_settime(fd, 0, &timer, NULL);
}

static int deliver(int fd, struct v4l2_buffer *buffer) {
  unsigned long ticks;
  if (unplugged()) return failing(ENODEV);
  if (!queued || read(fd, &ticks, sizeof ticks) < 0) return failing(EAGAIN);
  Picture *shown = NULL;
  for (int step = 0; !shown; step++) {
    Picture *one = &pictures[(delivered + step) % picture_count];
    if (one->width == format.width && one->height == format.height && one->fourcc == format.fourcc) shown = one, delivered += step + 1;
  }
  int number = queue[0];
  memmove(queue, queue + 1, --queued * sizeof *queue);
  char *place = mmap(NULL, LENGTH, PROT_WRITE, MAP_SHARED, memory, (off_t)number * LENGTH);
  FILE *file = fopen(shown->path, "rb");
  size_t size = fread(place, 1, LENGTH, file);
  fclose(file), munmap(place, LENGTH);
  buffer->index = number, buffer->length = LENGTH, buffer->m.offset = number * LENGTH, buffer->flags = 0;
  buffer->bytesused = size;
  const char *silent = getenv("WEBCAM_SILENT_AT");
  static int frames;
  if (silent && ++frames == atoi(silent)) every(fd, 0);
  return 0;
}

static int answer(int fd, unsigned long request, void *argument) {
  struct v4l2_buffer *buffer = argument;
  if (unplugged()) return failing(ENODEV);
  switch (request) {
    case VIDIOC_QUERYCAP: {
      struct v4l2_capability *can = argument;
      memset(can, 0, sizeof *can), strcpy((char *)can->driver, "webcam");
      can->capabilities = can->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
      return 0;
    }
    case VIDIOC_G_INPUT: return *(int *)argument = 0, 0;
    case VIDIOC_S_INPUT: return 0;
    case VIDIOC_ENUMINPUT: return ((struct v4l2_input *)argument)->index ? failing(EINVAL) : 0;
    case VIDIOC_TRY_FMT: case VIDIOC_S_FMT: return choose(&((struct v4l2_format *)argument)->fmt.pix), 0;
    case VIDIOC_G_FMT: {
      struct v4l2_pix_format *now = &((struct v4l2_format *)argument)->fmt.pix;
      return now->width = format.width, now->height = format.height, now->pixelformat = format.fourcc, choose(now), 0;
    }
    case VIDIOC_G_PARM: case VIDIOC_S_PARM: {
      struct v4l2_captureparm *stream = &((struct v4l2_streamparm *)argument)->parm.capture;
      stream->capability = V4L2_CAP_TIMEPERFRAME, stream->timeperframe = (struct v4l2_fract){1, rate()};
      return 0;
    }
    case VIDIOC_REQBUFS: {
      struct v4l2_requestbuffers *asked = argument;
      if (getenv("WEBCAM_BUSY")) return failing(EBUSY);
      if (asked->count > BUFFERS) asked->count = BUFFERS;
      return queued = 0, 0;
    }
    case VIDIOC_QUERYBUF: return buffer->length = LENGTH, buffer->m.offset = buffer->index * LENGTH, 0;
    case VIDIOC_QBUF: return queue[queued++] = buffer->index, 0;
    case VIDIOC_DQBUF: return deliver(fd, buffer);
    case VIDIOC_STREAMON: return every(fd, rate()), 0;
    case VIDIOC_STREAMOFF: return every(fd, 0), queued = 0, 0;
    case VIDIOC_QUERYCTRL: {
      struct v4l2_queryctrl *control = argument;
      if (control->id != V4L2_CID_GAIN) return failing(EINVAL);
      return control->type = V4L2_CTRL_TYPE_INTEGER, control->minimum = 0, control->maximum = 100, control->step = 1, control->flags = 0;
    }
    case VIDIOC_G_CTRL: case VIDIOC_S_CTRL: {
      struct v4l2_control *control = argument;
      if (control->id != V4L2_CID_GAIN) return failing(EINVAL);
      if (request == VIDIOC_G_CTRL) return control->value = gain, 0;
      if (control->value < 0 || control->value > 100) return failing(ERANGE);
      return gain = control->value, 0;
    }
  }
  return failing(ENOTTY);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list rest; va_start(rest, request); void *argument = va_arg(rest, void *); va_end(rest);
  if (fd < 0 || fd >= 1024 || !is_ours[fd]) return NEXT(ioctl)(fd, request, argument);
  int outcome = answer(fd, (unsigned)request, argument);
  if (getenv("WEBCAM_LOG")) fprintf(stderr, "ioctl %08lx -> %d\n", request & 0xffffffff, outcome);
  return outcome;
}
