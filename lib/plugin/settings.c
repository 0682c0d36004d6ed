/* The settings that a host gives to a plugin. The plugin reads them with tocsin_setting. */
#include <errno.h>
#include <string.h>

#include "delivery/owner_here.h"
#include "plugin/plugin.h"
#include "plugin/settings.h"

void tocsin__settings_free(char **settings)
{
    for (char **one = settings; one && *one; one++)
        tocsin__release(*one);
    tocsin__release(settings);
}

int tocsin__settings_copy(const char *const *settings, char ***ret_copy)
{
    size_t count = 0;
    char **copy;

    *ret_copy = NULL;
    while (settings && settings[count]) {
        const char *equals = strchr(settings[count], '=');

        if (!equals || equals == settings[count])
            return -EINVAL;
        count++;
    }
    if (!count)
        return 0;
    copy = tocsin__alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (!(copy[i] = tocsin__copy_text(settings[i]))) {
            tocsin__settings_free(copy);
            copy = NULL;
        }
    *ret_copy = copy;
    return copy ? 0 : -ENOMEM;
}

/* Returns the first value that the host gave for a key, or NULL if there is none. */
static const char *value_given(char *const *settings, const char *key)
{
    size_t size = strlen(key);

    for (; settings && *settings; settings++)
        if (strncmp(*settings, key, size) == 0 && (*settings)[size] == '=')
            return *settings + size + 1;
    return NULL;
}

/* Returns the default in the plugin's note, or NULL if there is none. */
static const char *value_default(const struct tocsin__image *image, const char *key)
{
    for (size_t i = 0; image && i < image->note.settings_count; i++)
        if (strcmp(image->note.settings[i].name, key) == 0)
            return image->note.settings[i].otherwise;
    return NULL;
}

const char *tocsin_setting_at(const char *where, const char *key, const char *otherwise)
{
    const struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    const struct tocsin__plugin *plugin;
    const char *value = NULL;

    if (!key || owner == &tocsin__program)
        return otherwise;
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = tocsin__plugin_of(owner);
    if (plugin)
        value = value_given(plugin->settings, key);
    if (plugin && !value)
        value = value_default(plugin->image, key);
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return value ? value : otherwise;
}
