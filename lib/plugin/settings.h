/* The settings that a host gives to a plugin, as a list "key=value", …, NULL. */
#ifndef TOCSIN_PLUGIN_SETTINGS_H
#define TOCSIN_PLUGIN_SETTINGS_H

/* Copies the settings. If `settings` is NULL, there are none, and *ret_copy is set to NULL. Returns
   0; -EINVAL if a setting has no key or no '='; or -ENOMEM. */
int tocsin__settings_copy(const char *const *settings, char ***ret_copy);
void tocsin__settings_free(char **settings); /* frees the settings; NULL is allowed */

#endif
